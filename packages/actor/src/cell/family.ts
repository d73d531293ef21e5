/** The children of one actor: at most one of a name, ended in reverse order of their start. */
import { CastellanError } from "@castellan/kernel";
import type { AnyRef, TerminationReason } from "../ref.ts";

export interface Child {
  readonly name: string;
  readonly ref: AnyRef;
  stop(reason: TerminationReason, onEnd?: () => void): void;
  /** Is gone now, whatever it still does. */
  abandon(): void;
}

const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

export class Family<C extends Child> {
  readonly #byName = new Map<string, C>();

  /** Throws BAD_NAME or NAME_TAKEN. */
  admit(parentPath: string, name: string): void {
    if (!NAME.test(name)) throw new CastellanError("BAD_NAME", `"${name}" is not an actor name`);
    if (!this.#byName.has(name)) return;
    throw new CastellanError("NAME_TAKEN", `${parentPath}/${name} lives already`, { details: { name } });
  }

  add(child: C): void {
    this.#byName.set(child.name, child);
  }

  remove(child: C): void {
    if (this.#byName.get(child.name) === child) this.#byName.delete(child.name);
  }

  find(ref: AnyRef): C | undefined {
    const child = this.#byName.get(ref.path.slice(ref.path.lastIndexOf("/") + 1));
    return child?.ref === ref ? child : undefined;
  }

  /** Oldest first. */
  members(): C[] {
    return [...this.#byName.values()];
  }

  /** Each is gone before the next older one is told; `done` when all are. */
  stopYoungestFirst(done: () => void): void {
    stopLast(this.members(), done);
  }
}

/** A loop and not a recursion as long as children end at once: there may be thousands. */
function stopLast(left: Child[], done: () => void): void {
  for (let child = left.pop(); child !== undefined; child = left.pop()) {
    let waiting = false;
    let gone = false;
    child.stop("stopped", () => {
      gone = true;
      if (waiting) stopLast(left, done);
    });
    waiting = true;
    if (!gone) return;
  }
  done();
}
