let keys = 0;

/** A System V key that no other test process uses. */
export function testKey(): number {
  return 0x4d000000 + ((process.pid & 0x3fff) << 10) + keys++;
}

let names = 0;

/** A name that no other test process uses. */
export function testName(): string {
  return `/millrace-test-${process.pid}-${names++}`;
}
