/** From what was typed to the instances meant, or a refusal that names what is known. Pure. */
import { CastellanError } from "@castellan/kernel";
import { nearest, processLabel, type Target } from "@castellan/protocol";
import { listOf, type PlannedInstance, type PlannerView } from "./plan.ts";

export type Selection =
  | { readonly kind: "selected"; readonly instances: readonly PlannedInstance[] }
  | { readonly kind: "refused"; readonly refusal: CastellanError };

const refuse = (code: string, message: string, details: Record<string, unknown>): Selection => ({
  kind: "refused",
  refusal: new CastellanError(code, message, { details }),
});

function unknown(code: string, what: string, typed: string, known: readonly string[]): Selection {
  const near = nearest(typed, known);
  const hint = near === null ? "" : ` - did you mean ${near}?`;
  return refuse(code, `there is no ${what} "${typed}"${hint} (known: ${listOf(known)})`, {
    name: typed,
    known: known.slice(0, 50),
    nearest: near,
  });
}

/** All instances of the target, enabled or not, in the order of the view. */
export function selectInstances(target: Target, view: PlannerView): Selection {
  let instances = view.instances;
  if (target.server !== undefined) {
    const typed = target.server.toLowerCase();
    const server =
      view.servers.find(({ name }) => name.toLowerCase() === typed) ??
      view.servers.find(({ id }) => String(id) === typed);
    if (server === undefined && isKnown(target.server.toUpperCase(), view)) {
      const type = target.server.toUpperCase();
      const example = `${view.servers[0]?.name ?? "SERVER"} ${type}`;
      return refuse("UNKNOWN_SERVER", `${type} is a process type: the server comes before it, for example ${example}`, {
        name: target.server,
      });
    }
    if (server === undefined) {
      return unknown(
        "UNKNOWN_SERVER",
        "server",
        target.server,
        view.servers.map(({ name }) => name),
      );
    }
    instances = instances.filter(({ serverId }) => serverId === server.id);
  }
  const where = target.server === undefined ? "in this node" : `on ${target.server}`;
  if (target.type === undefined) {
    if (target.instance === undefined) return { kind: "selected", instances };
    return refuse("BAD_TARGET", "an instance number means nothing without the process type before it", { target });
  }
  const type = target.type;
  const ofType = instances.filter((instance) => instance.type === type);
  if (ofType.length === 0 && !isKnown(type, view)) {
    const known = new Set([...view.types.keys(), ...view.instances.map((instance) => instance.type)]);
    return unknown("UNKNOWN_TYPE", "process type", type, [...known].sort());
  }
  if (ofType.length === 0) {
    return refuse("NO_INSTANCES", `no instance of ${type} is defined ${where}`, {
      type,
      server: target.server ?? null,
    });
  }
  if (target.instance === undefined) return { kind: "selected", instances: ofType };
  const one = ofType.filter(({ instance }) => instance === target.instance);
  if (one.length > 0) return { kind: "selected", instances: one };
  const numbers = [...new Set(ofType.map(({ instance }) => instance))].sort((a, b) => a - b).map(String);
  const label = processLabel({ type, instance: target.instance });
  return refuse("UNKNOWN_INSTANCE", `there is no ${label} ${where}; defined: ${listOf(numbers)}`, {
    type,
    known: numbers,
  });
}

function isKnown(type: string, view: PlannerView): boolean {
  return view.types.has(type) || view.instances.some((instance) => instance.type === type);
}
