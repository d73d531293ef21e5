/** Which release of the product this is: every package has its version, and each sentinel says it. A test holds it to package.json. */
export const PROGRAM_VERSION = "0.2.0";
