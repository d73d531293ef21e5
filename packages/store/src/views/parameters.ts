/**
 * The parameters of a node: what its servers must have in common to be one node. They are recorded by the server that makes the
 * schema and compared by every other; the only server of a node may record others, for nobody else is meant by them.
 */
import type { Gateway, Write } from "../gateway.ts";
import { insertIfAbsent, update } from "../gateway.ts";

export const PARAMETERS = ["node_name", "schema_id", "nats_cluster", "trust_root", "accounts"] as const;
export type ParameterName = (typeof PARAMETERS)[number];

/**
 * What a server has: of each parameter the values that it takes for its own, the first being what it would record. None: it
 * does not know, and takes what is recorded.
 */
export type OwnParameters = Readonly<Record<ParameterName, readonly string[]>>;

export interface ParameterDifference {
  readonly name: ParameterName;
  readonly recorded: string;
  readonly own: string;
}

/** Names compare without case where subjects do. */
const same = (name: ParameterName, one: string, other: string): boolean =>
  name === "node_name" || name === "nats_cluster" ? one.toLowerCase() === other.toLowerCase() : one === other;

/** What is recorded and not had. Pure. What was never recorded (by an older program) differs from nothing. */
export function parameterDifferences(
  recorded: ReadonlyMap<string, string>,
  own: OwnParameters,
): readonly ParameterDifference[] {
  return PARAMETERS.flatMap((name) => {
    const value = recorded.get(name);
    const [first] = own[name];
    if (value === undefined || first === undefined) return [];
    return own[name].some((mine) => same(name, mine, value)) ? [] : [{ name, recorded: value, own: first }];
  });
}

export async function readParameters(gateway: Pick<Gateway, "find">): Promise<ReadonlyMap<string, string>> {
  return new Map((await gateway.find("node_parameter")).map(({ name, value }) => [name, value]));
}

/** Records what is not recorded yet; of two servers that do so at once the first counts. Pure. */
export function recordParameters(own: OwnParameters, recorded: ReadonlyMap<string, string>): readonly Write[] {
  return PARAMETERS.flatMap((name) => {
    const [value] = own[name];
    return value === undefined || recorded.has(name) ? [] : [insertIfAbsent("node_parameter", { name, value })];
  });
}

/** Records others in place of those; a conflict when somebody else has done so meanwhile. Pure. */
export function replaceParameters(differences: readonly ParameterDifference[]): readonly Write[] {
  return differences.map(({ name, recorded, own }) =>
    update("node_parameter", { name, value: recorded }, { value: own }),
  );
}
