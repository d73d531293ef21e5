export {
  COPIED_TABLES,
  type FillOptions,
  fillSchema,
  firstInUse,
  type Page,
  type Progress,
  readPages,
  requireUnchanged,
  withEveryColumn,
} from "./fill.ts";
export { type Mark, type MarkState, readMark, requireCounting, setMark, takeMarkAway } from "./mark.ts";
export { PAGE, type Reader } from "./pages.ts";
export { beginSum, type RunningSum, type Sums, sumOf, type TableSum } from "./sums.ts";
