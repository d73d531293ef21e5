/** An error as the driver throws it. */
export function oracleError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}
