import { type AddOptions, Watch } from './watch.js';

/** Descriptors that there is room for at first. */
const FIRST_ROOM = 64;

/**
 * Which descriptor is watched how. A server may watch very many in one way, so watches made of the same options, if these
 * are frozen, are one object until one of them is to change; of its own a descriptor then has its generation, which tells
 * it from earlier ones that had the same number.
 */
export class WatchTable {
  readonly #watches: (Watch | undefined)[] = [];
  /** 0: it is not watched. */
  #generations = new Int32Array(FIRST_ROOM);
  #last = 0;
  #size = 0;
  readonly #shared = new WeakMap<AddOptions, Watch>();

  /** How many are watched. */
  get size(): number {
    return this.#size;
  }

  at(fd: number): Watch | undefined {
    return this.#watches[fd];
  }

  generation(fd: number): number {
    return this.#generations[fd] as number;
  }

  /** The watch of `fd`, if it still is the one that had this generation. */
  find(fd: number, generation: number): Watch | undefined {
    return this.#generations[fd] === generation ? this.#watches[fd] : undefined;
  }

  /** A watch as `options` say. Throws `ERR_MILLRACE_NO_CALLBACK`. */
  create(fd: number, options: AddOptions): Watch {
    const shared = this.#shared.get(options);
    if (shared !== undefined) return shared;
    const watch = new Watch();
    watch.change(fd, options);
    if (Object.isFrozen(options)) {
      watch.shared = true;
      this.#shared.set(options, watch);
    }
    return watch;
  }

  /** The watch of `fd`, which is watched, to be changed: from here on it is shared with no other. */
  own(fd: number): Watch {
    const watch = this.#watches[fd] as Watch;
    if (!watch.shared) return watch;
    const copy = watch.copy();
    this.#watches[fd] = copy;
    return copy;
  }

  /** The generation that `fd` is to have if it is watched now. */
  next(): number {
    this.#last = (this.#last + 1) | 0 || 1;
    return this.#last;
  }

  enter(fd: number, generation: number, watch: Watch): void {
    if (fd >= this.#generations.length) {
      const larger = new Int32Array(2 ** Math.ceil(Math.log2(fd + 1)));
      larger.set(this.#generations);
      this.#generations = larger;
    }
    this.#generations[fd] = generation;
    this.#watches[fd] = watch;
    this.#size++;
  }

  leave(fd: number): void {
    this.#generations[fd] = 0;
    this.#watches[fd] = undefined;
    this.#size--;
  }

  /** Forgets all of them; they come out. */
  clear(): (Watch | undefined)[] {
    this.#generations.fill(0);
    return this.#watches.splice(0);
  }
}
