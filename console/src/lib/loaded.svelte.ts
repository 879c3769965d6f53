// One thing that a page shows: being read, here, or not to be had.
import { Trouble } from '../api/trouble';

export class Loaded<T> {
  value = $state.raw<T | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  isLoading = $state(true);
  #turn = 0;

  constructor(private readonly read: () => Promise<T>) {
    void this.load();
  }

  async load(): Promise<void> {
    const turn = ++this.#turn;
    this.isLoading = true;
    try {
      const value = await this.read();
      if (turn === this.#turn) [this.value, this.trouble] = [value, null];
    } catch (thrown) {
      if (turn === this.#turn) this.trouble = Trouble.of(thrown);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
    }
  }
}
