import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../src/exit-code.ts";
import { notOwner, strangeHome } from "../src/owner.ts";

const home = (uid: number | null, name = "/srv/ips1") => ({ home: name, uid });

describe("whose a home is", () => {
  it("is whoever runs its sentinel, or ran it: root is a stranger as well", () => {
    expect(strangeHome(1000, [home(1000)])).toBeNull();
    expect(strangeHome(0, [home(0)])).toBeNull();
    expect(strangeHome(0, [home(1000)])).toEqual(home(1000));
    expect(strangeHome(1001, [home(1000)])).toEqual(home(1000));
    expect(strangeHome(1000, [home(0)])).toEqual(home(0));
  });

  it("is nobody's before a sentinel has run there", () => {
    expect(strangeHome(1000, [])).toBeNull();
    expect(strangeHome(1000, [home(null)])).toBeNull();
  });

  it("is asked of every server in it", () => {
    expect(strangeHome(1000, [home(1000), home(null, "/srv/b"), home(7, "/srv/c")])).toEqual(home(7, "/srv/c"));
  });

  it("is said with what to type instead, and ends with 5", () => {
    const error = notOwner("/srv/ips1", "ips", "root", "castellan upgrade --home /srv/ips1");
    expect(error.message).toBe(
      "/srv/ips1 belongs to ips, and this is root: nothing was changed, for its programs would run as root\nsudo -u ips castellan upgrade --home /srv/ips1",
    );
    expect(notOwner("/srv/ips1", "#1000", "root", "castellan up").message).toContain("sudo -u '#1000' castellan up");
    expect(exitCodeOf(error.code)).toBe(5);
  });
});
