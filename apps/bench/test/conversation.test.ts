import { describe, expect, it } from 'vitest';
import { HttpConversation, WebSocketConversation } from '../src/http/conversation.js';

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello World\n');

describe('HttpConversation', () => {
  it('has an answer when all of its bytes have come, however they come', () => {
    const conversation = new HttpConversation();
    for (const cut of [1, 20, 41, ANSWER.length - 1]) {
      expect(conversation.next().toString()).toContain('GET / HTTP/1.1');
      expect(conversation.received(ANSWER, 0, cut)).toBe('more');
      expect(conversation.received(ANSWER, cut, ANSWER.length)).toBe('answered');
    }
  });

  it('refuses an answer that is not 200, as the first and later', () => {
    const unavailable = Buffer.from(ANSWER.toString().replace('200 OK', '503 No'));
    const conversation = new HttpConversation();
    expect(() => new HttpConversation().received(unavailable, 0, unavailable.length)).toThrow(
      'Not an answer',
    );
    conversation.received(ANSWER, 0, ANSWER.length);
    conversation.next();
    expect(() => conversation.received(unavailable, 0, unavailable.length)).toThrow('not 200');
  });
});

describe('WebSocketConversation', () => {
  const GREETING = Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n');

  /** What an echo answers to a masked frame. */
  function echo(frame: Buffer): Buffer {
    const payload = Buffer.from(frame.subarray(6));
    for (let i = 0; i < payload.length; i++)
      payload[i] = (payload[i] as number) ^ (frame[2 + (i % 4)] as number);
    return Buffer.concat([Buffer.from([0x82, payload.length]), payload]);
  }

  it('is greeted, then has each message back byte by byte', () => {
    const conversation = new WebSocketConversation(1);
    expect(conversation.next().toString()).toContain('Upgrade: websocket');
    expect(conversation.received(GREETING, 0, 5)).toBe('more');
    expect(conversation.received(GREETING, 5, GREETING.length)).toBe('greeted');
    for (let i = 0; i < 3; i++) {
      const answer = echo(conversation.next());
      expect(conversation.received(answer, 0, 10)).toBe('more');
      expect(conversation.received(answer, 10, answer.length)).toBe('answered');
    }
  });

  it('refuses a message that differs from what was sent', () => {
    const conversation = new WebSocketConversation(1);
    conversation.next();
    conversation.received(GREETING, 0, GREETING.length);
    conversation.next();
    const stale = echo(conversation.next());
    conversation.next();
    expect(() => conversation.received(stale, 0, stale.length)).toThrow('differs');
  });
});
