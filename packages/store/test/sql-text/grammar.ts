/**
 * The grammars of three databases (ANTLR), as one question: does this text parse? They know syntax only; a grammar accepts a
 * type or a table that is not there. Loading one takes seconds, and so does its first statement.
 */
import { type ANTLRErrorListener, CharStreams, CommonTokenStream, type Lexer, type Parser } from "antlr4ts";
import { PredictionMode } from "antlr4ts/atn/PredictionMode.js";
import type { Dialect } from "../../src/typeorm/dialects/dialect.ts";

/** The first thing that is wrong with a text, with its place; null when it parses. */
export type Parses = (sql: string) => string | null;

/** SQLite has no grammar here: its own `prepare` is one. */
export type Grammared = Exclude<Dialect["name"], "sqlite">;

/** Each loads its grammar when it is called. */
export const grammars: Readonly<Record<Grammared, () => Promise<Parses>>> = {
  async postgres() {
    const { PLpgSQLLexer } = await import("antlr4ts-sql/dist/src/grammar-output/plpgsql/PLpgSQLLexer.js");
    const { PLpgSQLParser } = await import("antlr4ts-sql/dist/src/grammar-output/plpgsql/PLpgSQLParser.js");
    return parsing({
      lexer: (text) => new PLpgSQLLexer(text),
      parser: (tokens) => new PLpgSQLParser(tokens),
      parse: (parser) => parser.sql(),
    });
  },
  async mssql() {
    const { TSqlLexer } = await import("antlr4ts-sql/dist/src/grammar-output/tsql/TSqlLexer.js");
    const { TSqlParser } = await import("antlr4ts-sql/dist/src/grammar-output/tsql/TSqlParser.js");
    return parsing({
      lexer: (text) => new TSqlLexer(text),
      parser: (tokens) => new TSqlParser(tokens),
      parse: (parser) => parser.tsql_file(),
    });
  },
  async oracle() {
    const { PlSqlLexer } = await import("antlr4ts-sql/dist/src/grammar-output/plsql/PlSqlLexer.js");
    const { PlSqlParser } = await import("antlr4ts-sql/dist/src/grammar-output/plsql/PlSqlParser.js");
    const parses = parsing({
      lexer: (text) => new PlSqlLexer(text),
      parser: (tokens) => new PlSqlParser(tokens),
      parse: (parser) => parser.sql_script(),
    });
    // A script's statements end with a semicolon, which the server wants none of.
    return (sql) => parses(`${sql};`);
  },
};

type Characters = ConstructorParameters<typeof Lexer>[0];

interface Grammar<P extends Parser> {
  readonly lexer: (text: Characters) => Lexer;
  readonly parser: (tokens: CommonTokenStream) => P;
  readonly parse: (parser: P) => unknown;
}

/** With the quick way of looking ahead; what that refuses, with the exact one. */
function parsing<P extends Parser>(grammar: Grammar<P>): Parses {
  return (sql) =>
    complaintAbout(sql, grammar, PredictionMode.SLL) === null ? null : complaintAbout(sql, grammar, PredictionMode.LL);
}

function complaintAbout<P extends Parser>(
  sql: string,
  { lexer, parser, parse }: Grammar<P>,
  mode: PredictionMode,
): string | null {
  const found: string[] = [];
  const tell: ANTLRErrorListener<unknown> = {
    syntaxError: (_recognizer, _symbol, line, column, message) => {
      found.push(`${line}:${column} ${message.slice(0, 200)}`);
    },
  };
  const reader = lexer(upperCase(sql));
  reader.removeErrorListeners();
  reader.addErrorListener(tell);
  const written = parser(new CommonTokenStream(reader));
  written.removeErrorListeners();
  written.addErrorListener(tell);
  written.buildParseTree = false;
  written.interpreter.setPredictionMode(mode);
  parse(written);
  return found[0] ?? null;
}

/** The grammars' keywords are in capitals; what is read between quotes means nothing to them. */
function upperCase(sql: string): Characters {
  return CharStreams.fromString(sql.toUpperCase());
}
