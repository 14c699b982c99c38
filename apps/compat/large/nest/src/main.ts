import 'reflect-metadata';
import type { IncomingMessage } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create<NestExpressApplication>(AppModule);
  // Whatever is not for the parsers that Nest has anyway.
  const isOther = ({ headers }: IncomingMessage) => !/json|urlencoded/.test(headers['content-type'] ?? '');
  app.useBodyParser('raw', { type: isOther, limit: '32mb' });
  app.enableShutdownHooks();
  await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
  console.log(`listening on ${JSON.stringify(app.getHttpServer().address())}`);
}
bootstrap();
