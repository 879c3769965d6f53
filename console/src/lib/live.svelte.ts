// What changes while a page is looked at: told by the server as it happens, or asked for regularly where that fails.
import { address, type Schema } from '../api/client';

interface Hearers {
  job?: (job: Schema<'Job'>) => unknown;
  node?: (node: Schema<'Node'>) => unknown;
}

/** The server says something every 15 seconds; after twice as long the stream counts as gone, whatever the browser says. */
const SILENCE = 35_000;
/** A stream that was refused is asked for again after this. */
const AGAIN = 30_000;

/**
 * Hears what changes until the page goes. While nothing can be heard, `look` is run every so many milliseconds. A page in
 * the background hears nothing: over HTTP/1.1 a browser has six connections to a server for all its pages.
 */
export function live(hearers: Hearers, milliseconds: number, look: () => Promise<unknown>): void {
  $effect(() => {
    const stream = new Stream(hearers);
    const timer = setInterval(() => {
      if (document.hidden) return;
      if (!stream.isHeard()) void look();
      stream.keep();
    }, milliseconds);
    const turn = () => {
      if (document.hidden) return stream.close();
      stream.keep();
      void look();
    };
    document.addEventListener('visibilitychange', turn);
    if (!document.hidden) stream.keep();
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', turn);
      stream.close();
    };
  });
}

/** Runs `work` once, a moment after it was asked for first: for what many events ask for at the same time. */
export function soon(work: () => Promise<unknown>, milliseconds = 500): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void work();
    }, milliseconds);
  };
}

class Stream {
  #source: EventSource | null = null;
  #heard = 0;
  #refused = -AGAIN;

  constructor(private readonly hearers: Hearers) {}

  isHeard(): boolean {
    return this.#heard > 0 && performance.now() - this.#heard < SILENCE;
  }

  /** Opens it if it is not open and was not refused just now. */
  keep(): void {
    if (this.#heard > 0 && !this.isHeard()) this.close();
    if (this.#source || performance.now() - this.#refused < AGAIN) return;
    const topics = Object.keys(this.hearers).join(',');
    const source = new EventSource(address(`api/v2.0/events?topics=${topics}`));
    source.addEventListener('beat', () => this.#hear());
    for (const [topic, hearer] of Object.entries(this.hearers)) {
      source.addEventListener(topic, (event) => {
        this.#hear();
        hearer(JSON.parse((event as MessageEvent<string>).data));
      });
    }
    source.addEventListener('error', () => this.#lose());
    this.#source = source;
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
    this.#heard = 0;
  }

  #hear(): void {
    this.#heard = performance.now();
  }

  /** The browser comes back by itself, but not after a refusal. */
  #lose(): void {
    this.#heard = 0;
    if (this.#source?.readyState !== EventSource.CLOSED) return;
    this.close();
    this.#refused = performance.now();
  }
}
