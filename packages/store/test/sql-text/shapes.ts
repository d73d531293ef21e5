/** The shortest statement of each shape: a grammar sees no difference between two that differ in names, numbers, literals and lengths of lists. */
export function shapesOf(texts: readonly string[]): string[] {
  const shortest = new Map<string, string>();
  for (const sql of texts) {
    const shape = shapeOf(sql);
    const known = shortest.get(shape);
    if (known === undefined || sql.length < known.length) shortest.set(shape, sql);
  }
  return [...shortest.values()];
}

function shapeOf(sql: string): string {
  return sql
    .replace(/"[^"]*"/g, '"n"')
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/[$@:]b?\d+|\b\d+\b/g, "0")
    .replace(/(?<=\bAS |::)(?:text|int|bigint|smallint|timestamptz|(?:nvarchar|datetime2)\(\w+\))/gi, "t")
    .replace(/([^,]{1,120}?)(?:, \1)+(?=[,) ]|$)/g, "$1, ...")
    .replace(/([^,]{1,120}?)(?: AND \1)+(?=[) ]|$)/g, "$1 AND ...")
    .replace(/("n" IN \([^()]*(?:\([^()]*\)[^()]*)*\))(?: OR \1)+/g, "$1");
}
