/** The files for container engines, as far as they can be judged without one: parsed, and held against what they promise. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { loadConfigFile } from "@castellan/kernel/config";
import { repositoryRoot } from "@castellan/testkit";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const folder = `${repositoryRoot}/deploy/compose`;
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

const Service = z.strictObject({
  image: z.string().regex(/^[\w./-]+:[\w.-]+$/),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal("service_healthy") })).default({}),
  secrets: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.enum(["CMD", "CMD-SHELL"])], z.string()),
      interval: z.string().regex(/^\d+[sm]$/),
      timeout: z.string().regex(/^\d+[sm]$/),
      retries: z.int().positive(),
      start_period: z.string().regex(/^\d+[sm]$/),
    })
    .optional(),
  stop_grace_period: z.string().optional(),
  restart: z.enum(["unless-stopped", "no"]),
});

const Compose = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.strictObject({ file: z.string().startsWith("secrets/") })),
  volumes: z.record(z.string(), z.null()),
});

it("there is one for each database server", () => {
  expect(files.sort()).toEqual(["mssql.yaml", "oracle.yaml", "postgres.yaml"]);
});

describe.each(files)("%s", (file) => {
  const { services, secrets, volumes } = loadConfigFile(`${folder}/${file}`, Compose);
  const { db } = services;

  it("keeps its data, says when it is healthy, comes back, and is open to this host only", () => {
    expect(db?.healthcheck).toMatchObject({ retries: expect.any(Number) });
    expect(db?.restart).toBe("unless-stopped");
    expect(db?.volumes).toEqual([expect.stringMatching(/^data:\//)]);
    expect(db?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:(\d+):\1$/)]);
    expect(Object.keys(volumes)).toEqual(["data"]);
  });

  it("takes every password from a file, and names only what is there", () => {
    const used = new Set(Object.values(services).flatMap((service) => service.secrets));
    expect([...used].sort()).toEqual(Object.keys(secrets).sort());
    expect(used.size).toBeGreaterThan(0);
    for (const service of Object.values(services)) {
      for (const [name, value] of Object.entries(service.environment)) {
        if (/PASSWORD/.test(name)) expect(`${name}=${value}`).toMatch(/^\w+_FILE=\/run\/secrets\/[\w.]+$/);
      }
      for (const [, secret] of service.command.join(" ").matchAll(/\/run\/secrets\/([\w.]+)/g))
        expect(service.secrets).toContain(secret);
      for (const [, path] of service.volumes.join("\n").matchAll(/^\.\/([^:]+):/gm))
        expect(existsSync(`${folder}/${path}`), path).toBe(true);
      const unhealthy = Object.keys(service.depends_on).filter((name) => services[name]?.healthcheck === undefined);
      expect(unhealthy).toEqual([]);
    }
  });

  it("is in the README, with the line for castellan.yaml", () => {
    const line = readFileSync(`${folder}/README.md`, "utf8")
      .split("\n")
      .find((one) => one.startsWith(`| \`${file}\``));
    const port = /:(\d+):/.exec(db?.ports[0] ?? "")?.[1];
    expect(line).toContain(`${file.replace(".yaml", "")}://ips1@127.0.0.1:${port}/`);
  });
});
