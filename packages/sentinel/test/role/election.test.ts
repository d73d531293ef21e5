/** When mastership is taken, and when it is left alone. */
import { describe, expect, it } from "vitest";
import type { Election, ElectionEvent } from "../../src/role/election-state.ts";
import {
  agrees,
  alive,
  candidate,
  facts,
  known,
  MASTER,
  nobody,
  OTHER,
  Play,
  read,
  silence,
  survey,
  tick,
  US,
} from "./election-kit.ts";

const three = survey([MASTER, US, OTHER]);
const excused = (forMs: number, epoch = 5): ElectionEvent => ({ type: "Excused", epoch, forMs });
const unvouched: ElectionEvent = { type: "Vouched", word: "nobody" };
/** Up to where only time is missing. */
const convinced = (): Play => new Play().at(50, nobody).at(50, nobody).at(2, three).at(2, unvouched).at(2, agrees);

describe("a master that answers no more", () => {
  it("is replaced when two in a row found nobody, another member agrees and nobody vouches, soon", () => {
    const play = convinced();
    expect(play.done).toEqual(["survey", "ask-watcher", "ask-members"]);
    play.at(100, tick);
    expect(play.state.kind).toBe("taking");
    expect(play.takes).toBe(1);
    expect(play.facts.nowMs).toBeLessThan(facts().nowMs + 300);
  });

  it("is left alone after one hint, and after any number of time-outs", () => {
    expect(new Play().at(50, nobody).at(50, silence).at(50, nobody).state.kind).toBe("following");
    const play = new Play();
    for (let at = 0; at < 25; at += 1) play.at(100, silence).at(0, { type: "Beat", epoch: 5 });
    expect(play.state.kind).toBe("following");
    expect(play.done).toEqual([]);
  });

  it.each<[string, (play: Play) => Play]>([
    ["it answers", (play) => play.at(10, alive())],
    ["its heart beats", (play) => play.at(10, { type: "Beat", epoch: 5 })],
    ["another member sees it", (play) => play.at(10, { ...seen, live: { word: "master", epoch: 5 } })],
    ["another member has heard it since", (play) => play.at(10, { ...seen, heardAgoMs: 5 })],
    ["another member knows of a later one", (play) => play.at(10, { ...seen, epoch: 6 })],
    ["somebody is taking over", (play) => play.at(10, candidate)],
    ["the own link was lost", (play) => play.at(10, tick, { settledMs: null })],
    ["the own link is fresh", (play) => play.at(10, tick, { settledMs: 2999 })],
    ["the schema names another", (play) => play.at(10, read(6, OTHER))],
  ])("is left alone when %s", (_, happens) => {
    const play = new Play().at(50, nobody).at(50, nobody).at(2, three).at(2, unvouched);
    happens(play).at(1000, tick, { settledMs: 60_000 });
    expect(play.takes).toBe(0);
    expect(play.state.kind).toBe("following");
  });
  const seen = { type: "Opined", settled: true, epoch: 5, live: { word: "nobody" }, heardAgoMs: 5000 } as const;

  it("is not replaced without a witness who may judge", () => {
    const play = new Play().at(50, nobody).at(50, nobody).at(2, three).at(2, unvouched);
    play
      .at(2, { ...seen, settled: false })
      .at(2, { ...seen, epoch: null })
      .at(2, { ...seen, live: { word: "silence" } });
    for (let at = 0; at < 50; at += 1) play.at(100, tick);
    expect(play.takes).toBe(0);
    expect(play.state.kind).toBe("checking");
  });

  it("of two servers is replaced without a witness, if nobody vouches", () => {
    const play = new Play()
      .at(50, nobody)
      .at(50, nobody)
      .at(2, survey([MASTER, US]))
      .at(2, unvouched)
      .at(200, tick);
    expect(play.takes).toBe(1);
  });

  it("whose only witness is gone is replaced when the schema is silent as well, not before", () => {
    const members = [MASTER, US, OTHER].map((id) => ({ id, sign: "1", gone: id === OTHER }));
    const alone = survey([], { members });
    const play = new Play({ kind: "following", known: known({ fenceMs: facts().nowMs }) });
    play.at(50, nobody).at(50, nobody).at(2, alone).at(2, unvouched).at(1000, tick);
    expect(play.takes).toBe(0);
    play.at(1000, read(5, MASTER, 5, 2)).at(1500, tick); // its fence moves: it lives
    expect(play.takes).toBe(0);
    play.at(2000, tick);
    expect(play.takes).toBe(1);
  });

  it("waits for a worker that its watcher vouches for: two seconds, three times a minute", () => {
    const play = new Play();
    for (let round = 1; round <= 4; round += 1) {
      const before = play.takes;
      play.at(50, nobody).at(50, nobody).at(2, three);
      if (round <= 3) {
        play.at(2, { type: "Vouched", word: "restarting" }).at(2, agrees).at(1800, tick);
        expect(play.takes).toBe(before);
        play.at(50, alive());
      }
    }
    expect(play.done.filter((effect) => effect === "ask-watcher")).toHaveLength(3);
    play.at(2, agrees).at(200, tick);
    expect(play.takes).toBe(1);
  });

  it("whose watcher vouches in vain is replaced after two seconds", () => {
    const play = new Play().at(50, nobody).at(50, nobody).at(2, three);
    play.at(2, { type: "Vouched", word: "restarting" }).at(2, agrees).at(1900, tick);
    expect(play.takes).toBe(0);
    expect(play.at(200, tick).takes).toBe(1);
  });
});

const silent = (): Play => new Play().at(1000, silence).at(1700, tick).at(200, tick);

describe("a master that hangs", () => {
  it("is checked after three silent seconds, and replaced when another member heard nothing either", () => {
    const play = silent();
    expect(play.state.kind).toBe("checking");
    play.at(2, three).at(2, { type: "Vouched", word: "up" });
    play.at(2, { type: "Opined", settled: true, epoch: 5, live: { word: "silence" }, heardAgoMs: 2900 });
    expect(play.takes).toBe(1);
  });

  it("of two servers is replaced only when it writes no more", () => {
    const play = new Play({ kind: "following", known: known({ fenceMs: facts().nowMs + 2500 }) });
    play
      .at(3000, tick)
      .at(2, survey([MASTER, US]))
      .at(2, unvouched)
      .at(100, tick);
    expect(play.takes).toBe(0);
    expect(play.at(2600, tick).takes).toBe(1);
  });
});

describe("a master that was never heard", () => {
  const agreed: ElectionEvent = { ...agrees, heardAgoMs: 1_000_000 };
  /** Named by the schema just now; nobody answers, another agrees, and each second the schema is read, with the fence as told. */
  const unheard = (seconds: number, fence: (second: number) => number, ids = [MASTER, US, OTHER]): Play => {
    const play = new Play({ kind: "following", known: known({ master: null }) }).at(0, read(5, MASTER));
    for (let second = 1; second <= seconds; second += 1) {
      const members = ids.map((id) => ({ id, sign: `${second}`, gone: false }));
      play
        .at(900, read(5, MASTER, 5, fence(second)))
        .at(25, nobody)
        .at(25, nobody)
        .at(20, survey([], { members }))
        .at(10, unvouched);
      if (ids.includes(OTHER)) play.at(10, agreed);
      play.at(10, tick);
    }
    return play;
  };

  it("but writes is awaited for half a minute: the bus may just be coming together", () => {
    expect(unheard(29, (second) => second).takes).toBe(0);
    expect(unheard(31, (second) => second).takes).toBe(1);
  });

  it("nor writes is replaced after three seconds", () => {
    expect(unheard(2, () => 1).takes).toBe(0);
    expect(unheard(4, () => 1).takes).toBe(1);
  });

  it("but writes is never replaced by the only other server", () => {
    const two = [MASTER, US];
    expect(unheard(120, (second) => second, two).takes).toBe(0);
    expect(unheard(4, () => 1, two).takes).toBe(1);
  });

  it("is one like any other once its heart beat, in that epoch", () => {
    const beaten = unheard(5, (second) => second).at(10, { type: "Beat", epoch: 5 });
    beaten.at(50, nobody).at(50, nobody).at(2, three).at(2, unvouched).at(2, agrees).at(200, tick);
    expect(beaten.takes).toBe(1);
    const next = new Play({ kind: "following", known: known({ fenceMs: facts().nowMs }) }).at(0, read(6, MASTER));
    next
      .at(10_000, read(6, MASTER, 6, 2))
      .at(50, nobody)
      .at(50, nobody);
    next
      .at(2, survey([MASTER, US, OTHER], { epoch: 6 }))
      .at(2, unvouched)
      .at(2, { ...agrees, epoch: 6 });
    expect(next.at(200, tick).takes).toBe(0);
  });
});

describe("after a take-over", () => {
  it("only heartbeats count for ten seconds, and for twenty when it repeats", () => {
    const play = new Play().at(0, read(6, OTHER));
    const hints = (): Play => play.at(100, nobody).at(100, nobody);
    expect(hints().state.kind).toBe("following");
    play.at(9000, alive(6));
    expect(hints().state.kind).toBe("following");
    play.at(1000, alive(6));
    expect(hints().state.kind).toBe("checking");
    play.at(10, read(7, MASTER));
    play.at(15_000, alive(7));
    expect(hints().state.kind).toBe("following");
    play.at(5000, alive(7));
    expect(hints().state.kind).toBe("checking");
  });

  it("by a person's word hints count at once", () => {
    const play = new Play().at(0, { type: "Read", epoch: 6, masterId: OTHER, planned: true, fence: 1, seenBefore: 6 });
    expect(play.at(100, nobody).at(100, nobody).state.kind).toBe("checking");
  });
});

describe("what is ours", () => {
  it("is taken at once where the schema names us, whatever the bus says; never for what we have just lost", () => {
    const play = new Play({ kind: "following", known: known({ master: null }) }).at(0, read(5, US), {
      settledMs: null,
    });
    expect(play.state.kind).toBe("taking");
    play.at(10, { type: "Lost", epoch: 6 });
    expect(play.at(100, tick).at(100, tick).takes).toBe(1);
  });

  it("is taken in turn where nobody is master", () => {
    const play = new Play({ kind: "following", known: known({ master: null }) }).at(0, read(5, null));
    expect(play.takes).toBe(0);
    expect(play.at(200, tick).takes).toBe(1);
  });

  it("is tried again after a growing wait", () => {
    const play = new Play({ kind: "following", known: known({ master: null }) }).at(0, read(5, US));
    const waits: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      play.at(10, { type: "NotTaken" });
      const fromMs = play.facts.nowMs;
      while (play.state.kind === "following") play.at(10, tick);
      waits.push(play.facts.nowMs - fromMs);
    }
    expect(waits).toEqual([80, 160, 320, 640]);
  });
});

const master = (): Play =>
  new Play({ kind: "master", known: known({ master: null }), epoch: 5, sinceMs: facts().nowMs });

describe("a master", () => {
  it("without a confirmed write for three seconds has its term no more, unless it is alone", () => {
    expect(master().at(100, tick, { sqlAgeMs: 3000 }).state.kind).toBe("master");
    expect(master().at(100, tick, { sqlAgeMs: 3001 }).done).toEqual(["end", "read"]);
    expect(master().at(100, tick, { sqlAgeMs: 3001, alone: true }).state.kind).toBe("master");
  });

  it("that the schema knows no more ends its term, and takes nothing before it has looked", () => {
    const play = master().at(10, read(6, OTHER)).at(100, tick).at(100, tick);
    expect(play.done).toEqual(["remember", "end", "read"]);
    expect(master().at(10, { type: "Deposed", epoch: 5 }).done).toEqual(["end", "read"]);
    expect(master().at(10, { type: "Deposed", epoch: 4 }).done).toEqual([]);
  });

  it("is told nothing by an answer that was under way when it took its epoch", () => {
    expect(master().at(10, read(4, MASTER, 4)).state.kind).toBe("master");
    expect(master().at(10, read(4, MASTER, 5)).done).toEqual(["end", "read"]);
  });

  it("looks when somebody knows of a later epoch", () => {
    expect(master().at(10, { type: "Challenged", epoch: 6 }).done).toEqual(["read"]);
    expect(master().at(10, { type: "Challenged", epoch: 5 }).done).toEqual([]);
  });
});

describe("an order", () => {
  it("wins over a living master, and is answered", () => {
    const play = new Play().at(10, { type: "Ordered", returns: false });
    expect(play.state.kind).toBe("taking");
    expect(play.at(10, { type: "Taken", epoch: 6 }).done).toEqual(["take", "remember", "begin", "obeyed"]);
    expect(play.at(10, { type: "Ordered", returns: false }).done.at(-1)).toBe("obeyed");
  });

  it("that failed is answered too", () => {
    expect(new Play().at(10, { type: "Ordered", returns: false }).at(10, { type: "NotTaken" }).done).toEqual([
      "take",
      "disobeyed",
    ]);
  });
});

describe("a schema with an older epoch than was seen", () => {
  it("stops everything, also an order, until it shows a newer one", () => {
    const play = new Play().at(10, read(4, US, 5));
    expect(play.done).toEqual([]); // an answer may have been under way
    play.at(1000, read(4, US, 5));
    expect(play.state.kind).toBe("refusing");
    expect(play.done).toEqual(["alarm"]);
    play
      .at(100, tick)
      .at(100, { type: "Ordered", returns: false })
      .at(100, read(4, US, 5));
    expect(play.done).toEqual(["alarm", "disobeyed"]);
    play.at(1000, read(9, null, 5));
    expect(play.done.slice(2)).toEqual(["remember", "all-clear", "read"]);
    expect(play.state.kind).toBe("following");
  });

  it("is also one that the bus has told of, within what take-overs explain", () => {
    const play = new Play()
      .at(10, alive(7))
      .at(10, read(5, MASTER, 7))
      .at(1000, read(5, MASTER, 7));
    expect(play.state.kind).toBe("refusing");
    const fooled = new Play().at(10, alive(1_000_000)).at(10, read(5, MASTER)).at(1000, read(5, MASTER));
    expect(fooled.state.kind).toBe("following");
  });
});

describe("the table", () => {
  const states: Election[] = [
    { kind: "following", known: known() },
    new Play().at(50, nobody).at(50, nobody).state,
    { kind: "taking", known: known(), ordered: false },
    { kind: "master", known: known(), epoch: 5, sinceMs: facts().nowMs },
    { kind: "refusing", known: known() },
  ];
  const events: ElectionEvent[] = [
    tick,
    read(5, MASTER),
    nobody,
    { type: "Beat", epoch: 5 },
    { type: "Challenged", epoch: 5 },
    three,
    agrees,
    unvouched,
    { type: "Ordered", returns: false },
    { type: "Taken", epoch: 6 },
    { type: "Lost", epoch: 6 },
    { type: "NotTaken" },
    { type: "Deposed", epoch: 5 },
    { type: "NotBegun", epoch: 5 },
  ];

  it("has an answer to everything: where each event leads from each state", () => {
    const rows = states.map((state) =>
      [state.kind, ...events.map((event) => new Play(state).at(1, event).state.kind[0])].join(" "),
    );
    expect(rows).toEqual([
      "following f f f f f f f f t f f f f f",
      "checking c c c f c c c c t c c c c c",
      "taking t t t t t t t t t m f f t t",
      "master m f m m m m m m m m m m f f",
      "refusing r f r r r r r r r r r r r r",
    ]);
  });
});

describe("a master that is being exchanged", () => {
  it("is not missed until it was to be back, and then as ever", () => {
    const play = convinced().at(1, excused(30_000));
    expect(play.state.kind).toBe("following");
    for (let atMs = 0; atMs < 29_000; atMs += 1000) play.at(1000, nobody).at(0, tick);
    expect(play.done.filter((effect) => effect !== "ask-watcher")).toEqual(["survey", "ask-members"]);
    play.at(1000, tick).at(50, nobody).at(50, nobody).at(2, three).at(2, unvouched).at(2, agrees).at(100, tick);
    expect(play.takes).toBe(1);
  });

  it("is awaited for two minutes of silence at most, however often that is asked for", () => {
    const play = new Play().at(0, excused(60_000));
    for (let atMs = 0; atMs < 119_000; atMs += 1000) play.at(1000, excused(60_000)).at(0, tick);
    expect(play.state.kind).toBe("following");
    expect(play.at(1000, excused(60_000)).at(100, tick).state.kind).toBe("checking");
  });

  it("is missed at once when it is said that it does not come back", () => {
    const play = new Play().at(0, excused(30_000)).at(4000, tick);
    expect(play.state.kind).toBe("following");
    expect(play.at(0, excused(0)).at(100, tick).state.kind).toBe("checking");
  });

  it("is one: another epoch is no excuse, and an order is obeyed", () => {
    expect(new Play().at(0, excused(30_000, 4)).at(4000, tick).state.kind).toBe("checking");
    const later = new Play().at(0, excused(30_000)).at(1000, read(6, MASTER));
    expect(later.at(4000, tick).state.kind).toBe("checking");
    expect(new Play().at(0, excused(30_000)).at(10, { type: "Ordered", returns: false }).state.kind).toBe("taking");
  });
});
