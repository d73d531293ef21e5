/**
 * Gives the head of a file back to the file system while others append to it. Nothing is copied and nobody is stopped:
 * the file system does it between two writes, so no byte behind the cut is lost or doubled, whoever is killed meanwhile.
 *
 * Collapsing (ext4, XFS, F2FS) takes the bytes out and moves the rest forward; appending goes on at the new end. Elsewhere
 * (tmpfs, Btrfs, ZFS, NFS 4.2) the head becomes a hole: the space is given back, the file's length stays.
 */
import { execFile } from "node:child_process";
import { ensureError, systemCode } from "@castellan/kernel";

export type CutResult =
  | { readonly how: "collapsed" | "hole" }
  /** `reason`: part of a sentence. */
  | { readonly how: "refused"; readonly reason: string };

/** Cuts the first `bytes`, a multiple of `CUT_GRAIN` and less than the file has. Never rejects. */
export type CutHead = (path: string, bytes: number) => Promise<CutResult>;

const WITHIN_MS = 10_000;

/** By `fallocate` of util-linux, for Node has no such call. `env`: where its PATH comes from. */
export function createCutHead(env: Readonly<Record<string, string>>): CutHead {
  return async (path, bytes) => {
    const collapsed = await fallocate("--collapse-range", path, bytes, env);
    if (collapsed === null) return { how: "collapsed" };
    const punched = await fallocate("--punch-hole", path, bytes, env);
    return punched === null ? { how: "hole" } : { how: "refused", reason: punched };
  };
}

/** Null when done, else why not. */
function fallocate(
  mode: "--collapse-range" | "--punch-hole",
  path: string,
  bytes: number,
  env: Readonly<Record<string, string>>,
): Promise<string | null> {
  const options = { timeout: WITHIN_MS, killSignal: "SIGKILL", env: { ...env, LC_ALL: "C" } } as const;
  return new Promise((resolve) => {
    try {
      execFile("fallocate", [mode, "--offset", "0", "--length", String(bytes), path], options, (error, _out, said) => {
        if (error === null) resolve(null);
        else if (systemCode(error) === "ENOENT") resolve("there is no program fallocate (util-linux)");
        else resolve(said.trim() === "" ? error.message : said.trim());
      });
    } catch (thrown) {
      resolve(ensureError(thrown).message);
    }
  });
}
