export type { BrokenValue } from "./mended-row.ts";
export { type OpenGatewayOptions, openGateway } from "./open.ts";
export { type DatabaseSurvey, type SurveyOptions, surveyDatabase } from "./survey.ts";
export { type MigrateMode, SCHEMA_VERSION } from "./version.ts";
