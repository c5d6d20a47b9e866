import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Place } from './read-directory.ts';
import { type Rest, restAfter } from './rest.ts';

const PLAIN = placeAt('/policies', null);
const VOLUME = { v1: volumeAt('v1'), v2: volumeAt('v2') };
const LINKED = { one: placeAt('/checkouts/1', 'link'), two: placeAt('/checkouts/2', 'link') };

type Played = readonly [atMs: number, content: string, place: Place | null];

/** Looks in order, each of 10 ms, and after which of them the directory is at rest. */
const CASES: Record<string, { looks: readonly Played[]; rest: readonly boolean[] }> = {
  'what an agent finds when it starts is at rest': {
    looks: [look(0, 'a'), look(5_000, 'a')],
    rest: [true, true],
  },
  'a directory that comes later is at rest when two looks a second apart agree': {
    looks: [look(0, 'gone', null), look(10, 'a'), look(1_019, 'a'), look(1_020, 'a')],
    rest: [false, false, false, true],
  },
  'an edit in place waits for a second of its own': {
    looks: [look(0, 'a'), look(2_000, 'a'), look(3_000, 'b'), look(4_000, 'b'), look(4_010, 'b')],
    rest: [true, true, false, false, true],
  },
  'each other content in between begins that second anew, also one that was in force': {
    looks: [look(0, 'a'), look(2_000, 'a'), look(3_000, 'b'), look(3_500, 'a'), look(4_100, 'b'), look(5_000, 'b')],
    rest: [true, true, false, false, false, false],
  },
  'a directory that is gone or cannot be read waits, too, and so does its return': {
    looks: [
      look(0, 'a'),
      look(2_000, 'a'),
      look(3_000, 'gone', null),
      look(4_010, 'gone', null),
      look(5_000, 'a'),
      look(6_010, 'a'),
    ],
    rest: [true, true, false, true, false, true],
  },
  'another directory that was renamed to the path waits': {
    looks: [look(0, 'a'), look(2_000, 'a'), look(3_000, 'b', { ...PLAIN, id: 'other' })],
    rest: [true, true, false],
  },
  'a volume is at rest at once, at the start and with each swap': {
    looks: [look(0, 'a', VOLUME.v1), look(1, 'b', VOLUME.v2)],
    rest: [true, true],
  },
  'a volume that comes late is at rest at once': {
    looks: [look(0, 'gone', null), look(1, 'a', VOLUME.v1)],
    rest: [false, true],
  },
  'a version of a volume that is edited in place waits, and a swap ends the waiting': {
    looks: [look(0, 'a', VOLUME.v1), look(9_000, 'b', VOLUME.v1), look(9_100, 'c', VOLUME.v2)],
    rest: [true, false, true],
  },
  'a plain directory that was a volume waits': {
    looks: [look(0, 'a', VOLUME.v1), look(9_000, 'b', PLAIN)],
    rest: [true, false],
  },
  'a link to the directory says nothing at the start, and publishes when it leads elsewhere': {
    looks: [look(0, 'a', LINKED.one), look(2_000, 'a', LINKED.one), look(3_000, 'b', LINKED.two)],
    rest: [true, true, true],
  },
  'what a link leads to waits when it is edited in place': {
    looks: [look(0, 'a', LINKED.one), look(2_000, 'a', LINKED.one), look(3_000, 'b', LINKED.one)],
    rest: [true, true, false],
  },
  'a link that was swapped to the same content and then to other content publishes both times': {
    looks: [
      look(0, 'a', LINKED.one),
      look(2_000, 'a', LINKED.one),
      look(3_000, 'a', LINKED.two),
      look(4_000, 'b', LINKED.one),
    ],
    rest: [true, true, true, true],
  },
  'the copy of a volume behind a link, whose ..data is no link, waits': {
    looks: [
      look(0, 'a', { ...LINKED.one, path: '/checkouts/1/..data' }),
      look(2_000, 'a', { ...LINKED.one, path: '/checkouts/1/..data' }),
      look(3_000, 'b', LINKED.one),
    ],
    rest: [true, true, false],
  },
};

suite('at rest', () => {
  for (const [rule, { looks, rest }] of Object.entries(CASES)) {
    test(rule, () => {
      const found = play(looks).map(({ movingSinceMs }) => movingSinceMs === null);
      assert.deepEqual(found, rest);
    });
  }

  test('since when it has not been is told by the first look that found something else', () => {
    const [, , ...moving] = play([
      look(0, 'a'),
      look(2_000, 'a'),
      look(3_000, 'b'),
      look(3_900, 'a'),
      look(4_800, 'b'),
    ]);
    assert.deepEqual(
      moving.map(({ movingSinceMs }) => movingSinceMs),
      [3_010, 3_010, 3_010],
    );
  });
});

function look(atMs: number, content: string, place: Place | null = PLAIN): Played {
  return [atMs, content, place];
}

function play(looks: readonly Played[]): Rest[] {
  const found: Rest[] = [];
  for (const [beganMs, content, place] of looks) {
    found.push(restAfter(found.at(-1) ?? null, { content, place, beganMs, endedMs: beganMs + 10 }));
  }
  return found;
}

function placeAt(path: string, publishedBy: Place['publishedBy']): Place {
  return { path, id: path, base: path, publishedBy };
}

function volumeAt(version: string): Place {
  return { path: `/policies/..${version}`, id: version, base: '/policies', publishedBy: '..data' };
}
