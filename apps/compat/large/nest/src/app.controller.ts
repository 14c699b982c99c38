import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  type MessageEvent,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import type { Request } from 'express';
import { interval, map, type Observable, take } from 'rxjs';
import { AppService } from './app.service.js';

@Controller()
export class AppController {
  constructor(private readonly appService: AppService) {}

  @Get()
  getHello(): string {
    return this.appService.getHello();
  }

  @Get('users/:id')
  findOne(@Param('id') id: string, @Query() query: Record<string, string>, @Req() request: Request) {
    return { user: id, query, ip: request.ip };
  }

  @Get('cats/:id')
  findCat(@Param('id', ParseIntPipe) id: number) {
    return { cat: id };
  }

  @Post('echo')
  @HttpCode(200)
  echo(@Body() body: Buffer | object): StreamableFile {
    return new StreamableFile(Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  }

  @Post('json')
  @HttpCode(200)
  json(@Body() body: object): object {
    return body;
  }

  @Post('digest')
  @HttpCode(200)
  digest(@Body() body: Buffer | object) {
    return this.appService.digest(Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  }

  @Get('slow')
  async slow(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return 'at last\n';
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return interval(5).pipe(
      take(3),
      map((at) => ({ data: 'tick', id: `${at + 1}` })),
    );
  }

  @Get('large')
  @Header('Content-Type', 'application/octet-stream')
  large(): StreamableFile {
    return new StreamableFile(this.appService.large());
  }

  @Get('error')
  error() {
    throw new Error('on purpose');
  }
}
