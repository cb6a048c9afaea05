// node provider.js MODULES CONFIGURATION: a provider on this machine, until it is ended. Whoever gives a name signs in by it.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, configuration] = process.argv.slice(2);
const { port, client, groups, lifetimes } = JSON.parse(configuration);
const entry = createRequire(`${modules}/`).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(entry).href);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ grant_types: ["authorization_code"], response_types: ["code"], ...client }],
  claims: { openid: ["sub"], groups: ["groups"] },
  scopes: ["openid", "groups"],
  conformIdTokenClaims: false, // what a scope grants is in the ID token
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: groups[id] ?? [] }) }),
  pkce: { required: () => true },
  ttl: { AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600, ...lifetimes },
});
provider.listen(port, "127.0.0.1", () => console.log("listening"));
