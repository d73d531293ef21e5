/** Who is exposed under which public name in this system. One live actor a name. */
import { CastellanError } from "@castellan/kernel";
import type { ExposedActor } from "./exposed-actor.ts";

export class Registry {
  readonly #byPath = new Map<string, ExposedActor>();

  /** The live actor of that name. */
  find(path: string): ExposedActor | undefined {
    const found = this.#byPath.get(path);
    return found?.stopped === false ? found : undefined;
  }

  /** Throws ALREADY_EXPOSED. One that has stopped makes way. */
  add(paths: readonly string[], exposed: ExposedActor): void {
    const taken = paths.find((path) => this.find(path) !== undefined);
    if (taken !== undefined) throw new CastellanError("ALREADY_EXPOSED", `${taken} is the name of another live actor`);
    for (const path of paths) {
      this.#byPath.get(path)?.close();
      this.#byPath.set(path, exposed);
    }
  }

  remove(paths: readonly string[], exposed: ExposedActor): void {
    for (const path of paths) {
      if (this.#byPath.get(path) === exposed) this.#byPath.delete(path);
    }
  }

  closeAll(): void {
    for (const exposed of this.#byPath.values()) exposed.close();
  }
}
