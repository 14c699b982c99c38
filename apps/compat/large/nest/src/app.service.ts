import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

const CHUNK = Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. ');

@Injectable()
export class AppService implements OnApplicationShutdown {
  getHello(): string {
    return 'Hello World!';
  }

  digest(body: Buffer): { bytes: number; sha256: string } {
    return { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
  }

  large(): Readable {
    return Readable.from(Array.from({ length: 320 }, () => CHUNK));
  }

  onApplicationShutdown(signal?: string) {
    console.log(`shut down by ${signal}`);
  }
}
