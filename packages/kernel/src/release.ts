/** Which release of the product this is: every package has its version, and each sentinel says it. A test holds it to package.json. */
export const PROGRAM_VERSION = "0.2.0";

const partsOf = (release: string): number[] => release.split(".").map(Number);

/** Releases in their order: three numbers. What is none of ours is not newer than anything. */
export function isNewer(release: string, than: string): boolean {
  const [left, right] = [partsOf(release), partsOf(than)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at !== -1 && (left[at] ?? 0) > (right[at] ?? 0);
}
