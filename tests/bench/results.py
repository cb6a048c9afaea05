"""Results as the benchmarks write them, with round figures."""

from typing import Any

ENGINES: dict[str, Any] = {
    "results": {
        kind: {
            f"ours_{database}_{mode}": {"cpu_us": cpu, "database_cpu_us": 100.0 if database == "postgresql" else 0.0}
            for database in ("sqlite", "postgresql")
            for mode in ("off", "buffered", "strict")
        }
        | {"cerbos": {"cpu_us": 1.0, "database_cpu_us": 0.0}}
        for kind, cpu in (("single", 400.0), ("search", 1_400.0))
    }
}

_RUN = {"per_second": 3_000.0, "cpu_us": 400.0, "database_cpu_us": 0.0, "p50_ms": 5.0, "p99_ms": 10.0}

SCALING: dict[str, Any] = {
    "machine": {"cores": 2},
    "settings": {"customers": 1_000_000, "callers": 16},
    "results": {
        "imports": {
            kind: {
                str(customers): {"customers_per_second": 15_000, "peak_mib": 70.0, "bytes_a_customer": 700}
                for customers in (1_000, 100_000, 1_000_000)
            }
            for kind in ("sqlite", "postgresql")
        },
        "size": {
            f"{kind}_{mode}": {
                "cpu_ratio": 1.3 if mode == "off" else 1.1,
                "1,000 customers": _RUN | {"caller_cpu_us": 100.0},
                "1,000,000 customers": _RUN | {"caller_cpu_us": 100.0},
            }
            for kind in ("sqlite", "postgresql")
            for mode in ("off", "strict")
        },
        "memory": {
            kind: {
                "journal_bytes_a_decision": 450.0,
                "index_bytes_a_decision": 900.0,
                "peak_mib": {"main": 150.0, "worker 1": 121.0, "opa": 50.0},
                "growth_after_warm": {"main": 0.5, "worker 1": 0.01, "opa": 0.0},
            }
            for kind in ("sqlite", "postgresql")
        },
        "disk": {"flush_ms": 0.5},
        "cold": {"sqlite, 1 workers": {"median_s": 1.3, "max_s": 1.6}},
        "change": {"sqlite": {"failed": 0, "with_a_change": {"p99_ms_max": 60.0}}},
    },
}
