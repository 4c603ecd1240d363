import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { createContext, runInContext } from 'node:vm';

interface Question {
  cookies: string;
  /** Body of a script by its address. */
  load(address: string): Promise<string>;
  origin: string;
  message: string;
}

/**
 * Runs the scripts of a `check_session_iframe` page in a bare world: cookies, one listener, no Web APIs beyond what old
 * engines have, since the official suite loads it in HtmlUnit. Answers what the page posts back.
 */
export const runIframe = async (page: { body: string; url: string }, question: Question): Promise<string> => {
  const answers: { data: string; origin: string }[] = [];
  const listeners: ((event: object) => void)[] = [];
  const listen = (type: string, listener: (event: object) => void): void => {
    if (type === 'message') listeners.push(listener);
  };
  const source = { postMessage: (data: string, origin: string) => void answers.push({ data, origin }) };
  const world: Record<string, unknown> = { document: { cookie: question.cookies }, addEventListener: listen, parent: source };
  world.window = world;
  const context = createContext(world);
  for (const [, attributes = '', text = ''] of page.body.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)) {
    const address = /\ssrc="([^"]+)"/i.exec(attributes)?.[1];
    runInContext(address === undefined ? text : await question.load(address), context);
  }
  assert(listeners.length > 0, 'the page listens for messages');
  for (const listener of listeners) listener({ data: question.message, origin: question.origin, source });
  await setImmediate();
  const [answer] = answers;
  assert.equal(answer?.origin, question.origin, 'the answer goes to the client’s origin only');
  return answer.data;
};
