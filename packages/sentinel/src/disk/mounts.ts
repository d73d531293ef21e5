/**
 * Whether a path lies on the file system it is meant to. A file system that was not mounted leaves an empty directory with
 * the free space of the disk below it: everything looks well until that fills.
 */

/** Mount points of an `fstab`. Anything that is not a mount of a directory is skipped. */
export function parseFstab(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const [device, point] = line.trim().split(/[ \t]+/, 3);
    return device && !device.startsWith("#") && point?.startsWith("/") ? [unescapeOctal(point)] : [];
  });
}

/** Mount points of a `/proc/self/mountinfo`. */
export function parseMountinfo(text: string): ReadonlySet<string> {
  return new Set(
    text.split("\n").flatMap((line) => {
      const point = line.split(" ", 6)[4];
      return point?.startsWith("/") ? [unescapeOctal(point)] : [];
    }),
  );
}

/** The mount point that should hold `path` and is not mounted, or null. */
export function missingMount(path: string, wanted: readonly string[], mounted: ReadonlySet<string>): string | null {
  let nearest: string | null = null;
  for (const point of wanted) {
    const holds = path === point || path.startsWith(point === "/" ? "/" : `${point}/`);
    if (holds && (nearest === null || point.length > nearest.length)) nearest = point;
  }
  return nearest === null || nearest === "/" || mounted.has(nearest) ? null : nearest;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
