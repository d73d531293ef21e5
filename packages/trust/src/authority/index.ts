export {
  foundAuthority,
  hasAuthority,
  type IssueRequest,
  issuedBy,
  issueInto,
  rotateAuthority,
} from "./authority.ts";
export type { Bearer } from "./certificates.ts";
export type { RotationStep } from "./rotation.ts";
