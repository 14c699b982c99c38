import type { Frame } from '../interface/transport.js';
import { WordCopier } from '../memory/copying.js';
import type { Codec } from './codec.js';
import { COMMON, packable, packInto, StrictPackr, unpackable, unpackFrom } from './msgpack-packing.js';
import { Unpackr } from './msgpackr.js';
import { PlainWriter } from './plain-writer.js';

/**
 * MessagePack that says everything itself. Two forms, for MessagePack has one kind of map, and JavaScript objects and Maps:
 *
 *            ┌───────┐                 ┌──────┬───────┐
 *   ordinary │ value │    with a Map   │ MAPS │ value │
 *            └───────┘                 └──────┴───────┘
 *
 * In an ordinary message a map is an object; any MessagePack library writes and reads it. In the other one objects are
 * msgpackr's records, and a map is a Map. MAPS is the byte that MessagePack never uses.
 */
const MAPS = Uint8Array.of(0xc1);

/**
 * The objects of an ordinary message that are maps; each further one is a record, which names its properties once for all
 * objects of its shape. That is smaller for a list, but takes longer for few: a definition has to be made and understood.
 */
const MOST_NAMED = 4;

/**
 * Messages up to this size are unpacked from a memory of their own: at the beginning of one msgpackr reads strings by itself,
 * which for short ones is faster than the native call that it may make further on (it goes by the position, below 140).
 */
const MOST_MOVED = 136;

export function openCodec<Out, In>(): Codec<Out, In> {
  let named = 0;
  const isRecord = () => ++named > MOST_NAMED;
  const writer = new PlainWriter();
  const ordinary = new StrictPackr({ ...COMMON, useRecords: isRecord as unknown as boolean });
  const objects = new Unpackr({ ...COMMON, useRecords: true, mapsAsObjects: true });
  const withMaps = { ...COMMON, useRecords: true };
  let mapPackr: StrictPackr | undefined;
  let mapUnpackr: Unpackr | undefined;
  const small = Buffer.allocUnsafeSlow(MOST_MOVED);
  const mover = new WordCopier(small);

  /** What the ordinary form has no room for, too: a Map, an object of more than 65,535 properties. */
  const encodeWithMaps = (value: unknown, frame: Frame) => {
    mapPackr ??= new StrictPackr({ ...withMaps });
    try {
      packInto(mapPackr, value, frame);
    } catch (error) {
      throw unpackable(value, error);
    }
    // In the body: a codec that nests values in messages of its own uses the head.
    const { body, bodyStart, bodyEnd } = frame;
    const marked = Buffer.allocUnsafeSlow(MAPS.length + bodyEnd - bodyStart);
    marked.set(MAPS);
    marked.set(body.subarray(bodyStart, bodyEnd), MAPS.length);
    frame.setBody(marked, 0, marked.length);
  };

  return {
    name: 'msgpack',
    encode(value, frame) {
      if (writer.write(value, frame)) return;
      const form = packable(value);
      if (writer.metMap) return encodeWithMaps(form, frame);
      named = Array.isArray(form) ? MOST_NAMED : 0;
      ordinary.metMap = false;
      try {
        packInto(ordinary, form, frame);
      } catch {
        return encodeWithMaps(form, frame);
      }
      if (ordinary.metMap) encodeWithMaps(form, frame);
    },
    decode(memory, start, end) {
      if (memory[start] === MAPS[0] && end > start) {
        mapUnpackr ??= new Unpackr({ ...withMaps });
        return unpackFrom(mapUnpackr, memory, start + MAPS.length, end) as In;
      }
      if (end - start > MOST_MOVED) return unpackFrom(objects, memory, start, end) as In;
      mover.copy(memory, start, end, 0);
      return unpackFrom(objects, small, 0, end - start) as In;
    },
  };
}
