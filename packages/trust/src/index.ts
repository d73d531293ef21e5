export {
  type Certificate,
  identityOf,
  isSignedBy,
  readCertificates,
  trustRootOf,
  trustRootsOf,
} from "./certificate.ts";
export { examineTrust, type Found, type TrustFacts } from "./facts.ts";
export { type InstallFor, installTrust, readTrustRoots, requireInstallable } from "./install.ts";
export { judgeTrust, requireTrust, type TrustProblem, WARN_DAYS } from "./judge.ts";
export { TRUST_SETTINGS, type TrustFiles, type TrustPaths, trustPaths } from "./paths.ts";
