export { dropSchema } from "./drop.ts";
export type { BrokenValue } from "./mended-row.ts";
export { type OpenGatewayOptions, openGateway } from "./open.ts";
export { type DialectName, type SchemaScript, schemaScript } from "./schema-script.ts";
export { openSnapshot, type Snapshot, type SnapshotOptions } from "./snapshot.ts";
export { type DatabaseSurvey, type SurveyOptions, surveyDatabase } from "./survey.ts";
export { type Fit, type MigrateMode, SCHEMA_VERSION } from "./version.ts";
