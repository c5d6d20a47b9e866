import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { BoundedOutput, KEPT_BYTES, KEPT_END_BYTES } from './bounded-output.ts';
import { inTime } from './fixtures/support.ts';

/** What is kept of a stream that brings these chunks. */
async function outputOf(...chunks: (string | Uint8Array)[]): Promise<BoundedOutput> {
  const stream = new PassThrough();
  const output = new BoundedOutput(stream);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await once(stream, 'end');
  return output;
}

describe('bounded output', () => {
  test('of 100 MB the beginning is kept, all is counted, and memory does not grow', async () => {
    const peakBefore = process.resourceUsage().maxRSS;
    const child = spawn('head', ['-c', '100000000', '/dev/zero'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = new BoundedOutput(child.stdout);
    await inTime('the end of 100 MB', once(child, 'close'));

    assert.equal(output.text(), '\0'.repeat(KEPT_BYTES));
    assert.equal(output.bytes, 100_000_000);
    const grownKiB = process.resourceUsage().maxRSS - peakBefore;
    assert.ok(grownKiB < 30_000, `peak memory grew by ${grownKiB} KiB`);
  });

  test('the bound may fall inside, between and at the end of chunks', async () => {
    const sizes = [
      [KEPT_BYTES],
      [KEPT_BYTES - 1],
      [KEPT_BYTES + 1],
      [KEPT_BYTES, 1],
      [1, KEPT_BYTES, 1],
      [4000, 95, 2],
    ];
    for (const chunks of sizes) {
      const all = chunks.map((size, i) => String(i).repeat(size));
      const output = await outputOf(...all);
      assert.equal(output.text(), all.join('').slice(0, KEPT_BYTES), `chunks of ${chunks}`);
      assert.equal(output.bytes, all.join('').length, `chunks of ${chunks}`);
    }
  });

  test('of a longer stream the last 1 KiB is kept too, wherever chunks end', async () => {
    const sizes = [
      [KEPT_BYTES + 1],
      [KEPT_BYTES, 1],
      [4000, 95, 2],
      [1, 10_000],
      [5000, 1023],
      [5000, 1024],
      [5000, 1025, 3],
    ];
    for (const chunks of sizes) {
      const all = chunks.map((size, i) => String(i).repeat(size));
      assert.equal((await outputOf(...all)).end(), all.join('').slice(-KEPT_END_BYTES), `chunks of ${chunks}`);
    }
  });

  test('what was kept as a whole has no end of its own', async () => {
    assert.equal((await outputOf('x'.repeat(KEPT_BYTES))).end(), undefined);
    assert.equal((await outputOf()).end(), undefined);
  });

  for (const cut of ['€', '𝄞', 'é']) {
    test(`a character of ${Buffer.from(cut).length} bytes that is cut at the start of the end is left out`, async () => {
      for (let filling = 0; filling < Buffer.from(cut).length; filling += 1) {
        const end = (await outputOf('x'.repeat(KEPT_BYTES + filling), cut.repeat(2000))).end() ?? '';
        assert.match(end, new RegExp(`^(${cut})+$`, 'u'));
        assert.ok(KEPT_END_BYTES - Buffer.from(end).length < Buffer.from(cut).length);
      }
    });
  }

  test('an end that is not UTF-8 does no harm', async () => {
    const end = (await outputOf(Buffer.alloc(KEPT_BYTES * 2, 0x80))).end();
    assert.equal(end, '\ufffd'.repeat(KEPT_END_BYTES - 3));
  });

  test('a chunk that is only a part of its memory leaves the rest alone', async () => {
    const memory = Buffer.from(new ArrayBuffer(8)).fill('x');
    assert.equal((await outputOf(memory.subarray(0, 4))).text(), 'xxxx');
    assert.equal(memory.toString(), 'xxxxxxxx');
  });

  test('a character split between chunks is whole', async () => {
    const euro = Buffer.from('€');
    assert.equal((await outputOf(euro.subarray(0, 1), euro.subarray(1))).text(), '€');
  });

  test('a character cut by the bound is left out', async () => {
    assert.equal((await outputOf('x'.repeat(KEPT_BYTES - 1), '€ and more')).text(), 'x'.repeat(KEPT_BYTES - 1));
  });

  test('bytes that are not UTF-8 become replacement characters, at the end too', async () => {
    assert.equal((await outputOf(Buffer.from([0x63, 0xff, 0x64, 0xe2, 0x82]))).text(), 'c\ufffdd\ufffd');
  });

  test('a stream that breaks ends the output', async () => {
    const stream = new PassThrough();
    const output = new BoundedOutput(stream);
    const read = once(stream, 'data');
    stream.write('before');
    await read;
    stream.destroy(new Error('EIO'));
    await inTime('the end of the stream', new Promise((resolve) => stream.once('close', resolve)));
    assert.equal(output.text(), 'before');
  });

  test('without a stream it is empty', () => {
    const output = new BoundedOutput(undefined);
    output.close();
    assert.deepEqual([output.text(), output.end(), output.bytes], ['', undefined, 0]);
  });
});
