import { Segment, type SegmentName, SharedMemoryError } from '@millrace/shared-memory';
import { formatMemory } from '../memory/metrics-memory.js';
import { DEFAULT_MAX_SERIES, OWNERS, type RegistryOptions, sizeOf } from './options.js';

/** What a registry's segment is. */
export const KIND = 'metrics';

export function createSegment(name: SegmentName, options: RegistryOptions): Segment {
  return Segment.create(name, made(options));
}

export function openSegment(name: SegmentName, { trustedUsers }: RegistryOptions): Segment {
  return Segment.open(name, { kind: KIND, trustedUsers });
}

/** What is there is opened as it is, whatever its size. */
export function openOrCreateSegment(name: SegmentName, options: RegistryOptions): Segment {
  for (;;) {
    const segment =
      unless('ERR_MILLRACE_SEGMENT_MISSING', () => openSegment(name, options)) ??
      unless('ERR_MILLRACE_SEGMENT_EXISTS', () => createSegment(name, options));
    if (segment !== undefined) return segment;
  }
}

export function anonymousSegment(options: RegistryOptions): Segment {
  const { permissions: _, ...shape } = made(options);
  return Segment.anonymous(shape);
}

export function segmentFrom(descriptor: number): Segment {
  return Segment.fromDescriptor(descriptor, { kind: KIND });
}

function made(options: RegistryOptions) {
  const { permissions, maxSeries = DEFAULT_MAX_SERIES } = options;
  return {
    kind: KIND,
    size: sizeOf(options),
    owners: OWNERS,
    initialise: (segment: Segment) => formatMemory(segment, maxSeries),
    ...(permissions === undefined ? {} : { permissions }),
  };
}

function unless<T>(code: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof SharedMemoryError && error.code === code) return undefined;
    throw error;
  }
}
