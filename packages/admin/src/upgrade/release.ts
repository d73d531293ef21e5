/** Releases in their order: three numbers. What is none of ours is not newer than anything. */

const partsOf = (release: string): number[] => release.split(".").map(Number);

export function isNewer(release: string, than: string): boolean {
  const [left, right] = [partsOf(release), partsOf(than)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at !== -1 && (left[at] ?? 0) > (right[at] ?? 0);
}
