import pg from 'pg';

const pauseMs = 500;
const connectMs = 5000;

export const quoteChannel = (channel: string): string => `"${channel.replaceAll('"', '""')}"`;

/**
 * A dedicated connection that listens, reconnecting with a pause.
 * @param onGap says that messages may have been missed
 * @returns ends it; also when it is just being made
 */
export const listenOnPostgres = async (
  url: string,
  channel: string,
  handler: (payload: string) => void,
  onGap?: (isListening: boolean) => void,
): Promise<() => Promise<void>> => {
  let client: pg.Client | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const open = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: url,
      application_name: 'castellan-listen',
      keepAlive: true,
      connectionTimeoutMillis: connectMs,
    });
    // Known before it is there, so that an end that comes meanwhile ends it too.
    client = next;
    next.on('notification', ({ payload }) => handler(payload ?? ''));
    next.on('error', () => undefined);
    next.on('end', () => client === next && reopen());
    try {
      await next.connect();
      await next.query(`listen ${quoteChannel(channel)}`);
    } catch (error) {
      await next.end();
      throw error;
    }
  };
  const reopen = (): void => {
    client = undefined;
    if (isClosed || timer) return;
    onGap?.(false);
    timer = setTimeout(() => {
      timer = undefined;
      open().then(() => isClosed || onGap?.(true), reopen);
    }, pauseMs).unref();
  };
  const end = async (): Promise<void> => {
    isClosed = true;
    clearTimeout(timer);
    await client?.end();
  };
  try {
    await open();
  } catch (error) {
    await end();
    throw error;
  }
  return end;
};
