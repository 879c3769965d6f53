// A list that the server pages, searches and sorts.
import type { Cursor, Page } from '../api/client';
import { Trouble } from '../api/trouble';

/** What a page of a list is asked with. */
export interface Query extends Cursor {
  page_size: number;
  q?: string;
  sort?: string;
}

interface Options {
  size?: number;
  sort?: string;
  /** What the words of the search box are asked as. */
  filter?: (words: string) => string;
  /** What tells an entry from others; the row of one that comes again stays, with the focus in it. */
  key?: (item: any) => unknown;
}

/** Signs that the query language would read as something else than a part of a name. */
const SIGNS = /[,=~[\]{}()\\]/g;

/** The filter "this field contains these words". */
export const contains =
  (field: string) =>
  (words: string): string =>
    `${field}=~${words.replace(SIGNS, '')}`;

export class Paged<T> {
  items = $state.raw<T[]>([]);
  total = $state(0);
  trouble = $state.raw<Trouble | null>(null);
  isLoading = $state(true);
  words = $state('');
  sort = $state('');
  /** The number of the page that is shown, from 0. */
  number = $state(0);
  hasNext = $state(false);
  readonly size: number;
  #next: Cursor | null = null;
  #starts: Cursor[] = [{}];
  #turn = 0;

  constructor(
    /** Asks for a page; the words of the search box come beside it, for lists that take them in a way of their own. */
    private readonly read: (query: Query, words: string) => Promise<Page<T>>,
    private readonly options: Options = {},
  ) {
    this.size = options.size ?? 25;
    this.sort = options.sort ?? '';
    void this.load();
  }

  /** The same page again. An answer that comes after a later question's is left aside. */
  async load(): Promise<void> {
    this.isLoading = true;
    await this.refresh();
  }

  /** As `load`, without saying that something is awaited: for pages that look again by themselves. */
  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const page = await this.read(this.#query(), this.words.trim());
      if (turn === this.#turn) this.#show(page);
    } catch (thrown) {
      if (turn === this.#turn) this.trouble = Trouble.of(thrown);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
    }
  }

  /** Puts what is new of an entry in its place; false where it is not among those that are shown. */
  put(item: T): boolean {
    const place = this.items.findIndex((shown) => this.keyOf(shown) === this.keyOf(item));
    if (place >= 0) this.items = this.items.with(place, item);
    return place >= 0;
  }

  keyOf(item: T): unknown {
    return this.options.key ? this.options.key(item) : item;
  }

  /** From the beginning. */
  restart(): Promise<void> {
    this.#starts = [{}];
    this.number = 0;
    return this.load();
  }

  search(words: string): Promise<void> {
    this.words = words;
    return this.restart();
  }

  /** Sorts by a field; by the same one again, the other way round. */
  sortBy(field: string): Promise<void> {
    this.sort = this.sort === field ? `-${field}` : field;
    return this.restart();
  }

  next(): Promise<void> {
    if (!this.#next) return Promise.resolve();
    this.#starts[this.number + 1] = this.#next;
    this.number += 1;
    return this.load();
  }

  previous(): Promise<void> {
    this.number = Math.max(0, this.number - 1);
    return this.load();
  }

  #query(): Query {
    const words = this.words.trim();
    const filter = words && this.options.filter ? { q: this.options.filter(words) } : {};
    const sort = this.sort ? { sort: this.sort } : {};
    return { page_size: this.size, ...filter, ...sort, ...this.#starts[this.number] };
  }

  #show(page: Page<T>): void {
    this.items = page.items;
    this.total = page.total;
    this.trouble = null;
    this.#next = page.next;
    this.hasNext = page.next !== null;
  }
}
