/**
 * What H2 (in its mode for Oracle) does not say as Oracle does. Everything else of the SQL runs as it was sent, its types included.
 *
 * So left unproven by this stand-in: partial indexes by expression (a computed column here), `LOCK TABLE` (a lock of the
 * double's own), `ALTER SESSION`, privileges and the catalogue views, waiting for locks beyond H2's 1 s, the cost of anything;
 * and that Oracle's parser takes the text, for which the grammar is.
 */

/** Pairs of what is sent and what H2 is given. */
const SAYINGS: readonly (readonly [RegExp, string])[] = [
  [/\bROWID\b/g, "_ROWID_"],
  [/SYS_EXTRACT_UTC\(SYSTIMESTAMP\)/g, "CAST(SYSTIMESTAMP AS TIMESTAMP(3))"],
  [/BEGIN EXECUTE IMMEDIATE 'DROP TABLE ("\w+") PURGE';.*END;$/gs, "DROP TABLE IF EXISTS $1"],
  [/ALL_TABLES WHERE OWNER = SYS_CONTEXT\('USERENV', 'CURRENT_SCHEMA'\) AND/g, "INFORMATION_SCHEMA.TABLES WHERE"],
  [/\(SELECT MIN\('Oracle ' \|\| VERSION\) FROM PRODUCT_COMPONENT_VERSION[^)]*\)/g, "'Oracle (H2)'"],
  [/ROUND\(\(TO_DATE.*?"now_ms"/gs, `CAST(EXTRACT(EPOCH FROM SYSTIMESTAMP) * 1000 AS BIGINT) AS "now_ms"`],
];
/** A unique index by expression: a computed column with an index on it. */
const INDEX_BY_EXPRESSION = /^CREATE (UNIQUE )?INDEX ("\w+") ON ("\w+") \((CASE .* END)\)$/;

/** One or more statements of H2's, with `?` for places, and the names of the places in their order. */
export function translate(sql: string): { readonly statements: readonly string[]; readonly places: readonly string[] } {
  const index = INDEX_BY_EXPRESSION.exec(sql);
  if (index !== null) {
    const [, unique = "", name = "", table = "", expression = ""] = index;
    const column = name.replace(/"$/, `_KEY"`);
    return {
      statements: [
        `ALTER TABLE ${table} ADD COLUMN ${column} NUMBER GENERATED ALWAYS AS (${expression})`,
        `CREATE ${unique}INDEX ${name} ON ${table} (${column})`,
      ],
      places: [],
    };
  }
  const said = SAYINGS.reduce((text, [from, to]) => text.replace(from, to), sql);
  const places: string[] = [];
  // Not within quotes: a format of times has colons too.
  const text = said.replace(/'[^']*'|"[^"]*"|:(\w+)/g, (found, name: string | undefined) => {
    if (name === undefined) return found;
    places.push(name);
    return "?";
  });
  return { statements: [text], places };
}

/** By H2's number. A lock that is waited for too long is what Oracle's driver interrupts. */
const CODES: ReadonlyMap<number, string> = new Map([
  [23505, "ORA-00001"],
  [23506, "ORA-02291"],
  [23503, "ORA-02292"],
  [23502, "ORA-01400"],
  [22001, "ORA-12899"],
  [40001, "ORA-00060"],
  [50200, "NJS-123"],
  [42101, "ORA-00955"],
  [42111, "ORA-00955"],
  [42121, "ORA-01430"],
  [42102, "ORA-00942"],
  [42104, "ORA-00942"],
  [42122, "ORA-00904"],
]);

export const codeOf = (h2Code: number): string => CODES.get(h2Code) ?? "ORA-00900";
