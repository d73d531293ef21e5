export {
  foundAuthority,
  hasAuthority,
  type IssueRequest,
  issuedBy,
  issueInto,
  rotateAuthority,
} from "./authority.ts";
export { SERVER_DAYS } from "./certificates.ts";
export { ROTATION_STEPS, type RotationStep } from "./rotation.ts";
