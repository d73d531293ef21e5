/**
 * Attributes: settings of the node, a server, a type or an instance, in the shared schema. The most specific holds. Every
 * change is on record with who made it; sentinels are told and take it up without a restart.
 */
import { CastellanError } from "@castellan/kernel";
import {
  ATTRIBUTE_NAMES,
  type AttributeKind,
  attributeKind,
  checkAttribute,
  didYouMean,
  type Target,
} from "@castellan/protocol";
import { type AttributePlace, attributeRow, insert, type Row, remove, update, type Write } from "@castellan/store";
import { type AttributeTarget, attributeTarget } from "./attribute-target.ts";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";
import { tellSentinels } from "./tell-sentinels.ts";

/** A setting as it is set. Null: not narrowed down to one. */
export interface AttributeSetting {
  readonly name: string;
  readonly value: string;
  readonly server: string | null;
  readonly type: string | null;
  readonly instance: number | null;
}

/** A setting as it holds at a place; `from` says where it is set, null: nowhere, it is the default. */
export interface EffectiveAttribute {
  readonly name: string;
  readonly value: string;
  readonly from: Omit<AttributeSetting, "name" | "value"> | null;
  readonly meaning: string;
}

export interface AttributeChange {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly server: string | null;
  readonly type: string | null;
  readonly instance: number | null;
}

/** This one is a column of `node_cluster`. */
export const CHECK_ERROR_FILES = "CHECK_ERROR_FILES";

/** Refused UNKNOWN_ATTRIBUTE, BAD_VALUE, BAD_TARGET, UNKNOWN_SERVER, UNKNOWN_TYPE, UNKNOWN_INSTANCE, CHANGING. */
export async function setAttribute(
  ctx: AdminContext,
  name: string,
  value: string,
  target: Target,
): Promise<AttributeChange> {
  const kind = kindOf(name);
  const checked = checkAttribute(kind, value);
  if ("problem" in checked)
    throw new CastellanError("BAD_VALUE", checked.problem, { details: { name: kind.name, value } });
  return await change(ctx, kind, String(checked.value), target);
}

/** Takes a setting back, so that the next less specific one holds. Nothing was set: `before` is null. */
export async function unsetAttribute(ctx: AdminContext, name: string, target: Target): Promise<AttributeChange> {
  return await change(ctx, kindOf(name), null, target);
}

/** What is set, wherever it is set; defaults that nobody has changed are not listed. */
export async function listAttributes(ctx: Pick<AdminContext, "gateway">): Promise<AttributeSetting[]> {
  const [servers, rows] = await Promise.all([
    ctx.gateway.find("node_cluster", { orderBy: [{ column: "logical_machine_id" }] }),
    ctx.gateway.find("process_attributes", { orderBy: [{ column: "attribute_name" }] }),
  ]);
  const nameOf = new Map(servers.map((row) => [row.logical_machine_id, row.physical_machine_name]));
  const unchecked = servers.filter((row) => !row.check_error_files);
  return [
    ...unchecked.map((row) => {
      const server = row.physical_machine_name;
      return { name: CHECK_ERROR_FILES, value: "0", server, type: null, instance: null };
    }),
    ...rows.map((row) => settingOf(row, nameOf)),
  ];
}

/** Every attribute as it holds for a target, and where that is set. */
export async function effectiveAttributes(
  ctx: Pick<AdminContext, "gateway">,
  target: Target,
): Promise<EffectiveAttribute[]> {
  const place = await attributeTarget(ctx, target);
  const [servers, rows] = await Promise.all([ctx.gateway.find("node_cluster"), ctx.gateway.find("process_attributes")]);
  const nameOf = new Map(servers.map((row) => [row.logical_machine_id, row.physical_machine_name]));
  return ATTRIBUTE_NAMES.flatMap((name): EffectiveAttribute[] => {
    const kind = attributeKind(name);
    if (kind === null || (kind.scope === "server" && place.type !== null)) return [];
    const row = name === CHECK_ERROR_FILES ? undefined : attributeRow(rows, attributePlace(kind, place), name);
    const server = servers.find(({ logical_machine_id }) => logical_machine_id === place.serverId);
    if (name === CHECK_ERROR_FILES && server?.check_error_files === false) {
      const from = { server: server.physical_machine_name, type: null, instance: null };
      return [{ name, value: "0", from, meaning: kind.meaning }];
    }
    if (row === undefined) return [{ name, value: String(kind.fallback), from: null, meaning: kind.meaning }];
    const { name: _name, value, ...from } = settingOf(row, nameOf);
    return [{ name, value, from, meaning: kind.meaning }];
  });
}

/** The sentinel's own settings may stand under its documented process name. */
function attributePlace({ scope }: AttributeKind, { serverId, type, instance }: AttributeTarget): AttributePlace {
  return { machineId: serverId, process: type ?? (scope === "server" ? "PROCMGR" : "ALL"), instance: instance ?? 0 };
}

/** A setting of the sentinel may be asked for under its documented process name: that is its server's. */
function ofSentinel({ scope }: AttributeKind, { type, instance, ...target }: Target): Target {
  if (scope === "server" && type === "PROCMGR") return target;
  return { ...target, ...(type === undefined ? {} : { type }), ...(instance === undefined ? {} : { instance }) };
}

function kindOf(name: string): AttributeKind {
  const kind = attributeKind(name);
  if (kind !== null) return kind;
  throw new CastellanError(
    "UNKNOWN_ATTRIBUTE",
    `there is no attribute ${name}${didYouMean(name, ATTRIBUTE_NAMES)} (known: ${ATTRIBUTE_NAMES.join(", ")})`,
    { details: { name, known: ATTRIBUTE_NAMES } },
  );
}

async function change(
  ctx: AdminContext,
  kind: AttributeKind,
  value: string | null,
  target: Target,
): Promise<AttributeChange> {
  const place = await attributeTarget(ctx, ofSentinel(kind, target));
  if (kind.scope === "server" && place.type !== null) {
    throw new CastellanError("BAD_TARGET", `${kind.name} is a setting of a server or the node, not of a process`, {
      details: { target },
    });
  }
  return await changePatiently("the same attribute", async () => {
    const made =
      kind.name === CHECK_ERROR_FILES
        ? await errorFilesWrites(ctx, place, value)
        : await rowWrites(ctx, kind, place, value);
    const { server, type, instance } = place;
    const changed: AttributeChange = { name: kind.name, before: made.before, after: value, server, type, instance };
    if (made.writes.length === 0) return changed;
    const verb = value === null ? "unset" : "set";
    await ctx.gateway.commit([...made.writes, auditRow(ctx, `attribute.${verb}`, { ...changed })]);
    await tellSentinels(ctx);
    return changed;
  });
}

interface Made {
  readonly before: string | null;
  /** None: it is so already. */
  readonly writes: readonly Write[];
}

async function rowWrites(
  ctx: AdminContext,
  kind: AttributeKind,
  place: AttributeTarget,
  value: string | null,
): Promise<Made> {
  const key = {
    logical_machine_id: place.serverId,
    logical_process_name: place.type ?? "ALL",
    logical_process_instance: place.instance ?? 0,
    attribute_name: kind.name,
  };
  const [row] = await ctx.gateway.find("process_attributes", { where: key });
  const before = row?.attribute_value ?? null;
  if (before === value) return { before, writes: [] };
  if (value === null) return { before, writes: [remove("process_attributes", key, 1)] };
  const set = { attribute_value: value, attribute_type: "I" };
  const guard = { ...key, attribute_value: before ?? "" };
  return {
    before,
    writes: [
      before === null ? insert("process_attributes", { ...key, ...set }) : update("process_attributes", guard, set),
    ],
  };
}

async function errorFilesWrites(ctx: AdminContext, place: AttributeTarget, value: string | null): Promise<Made> {
  const wanted = value !== "0";
  const servers = (await ctx.gateway.find("node_cluster")).filter(
    (row) => place.serverId === 0 || row.logical_machine_id === place.serverId,
  );
  const changing = servers.filter((row) => row.check_error_files !== wanted);
  const [first] = changing;
  const before = first === undefined ? (wanted ? "1" : "0") : first.check_error_files ? "1" : "0";
  return {
    before,
    writes: changing.map((row) =>
      update("node_cluster", { logical_machine_id: row.logical_machine_id }, { check_error_files: wanted }),
    ),
  };
}

function settingOf(row: Row<"process_attributes">, nameOf: ReadonlyMap<number, string>): AttributeSetting {
  const id = row.logical_machine_id;
  return {
    name: row.attribute_name,
    value: row.attribute_value,
    server: id === 0 ? null : (nameOf.get(id) ?? `#${id}`),
    type: row.logical_process_name === "ALL" ? null : row.logical_process_name,
    instance: row.logical_process_instance === 0 ? null : row.logical_process_instance,
  };
}
