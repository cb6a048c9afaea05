"""The journal: every decision kept, in chains that show whether anybody has touched them.

A process appends entries to a chain of its own, in files that are synced before an answer leaves. An indexer loads them
into the database for queries. Both copies can be verified, each by itself and each against the other.
"""
