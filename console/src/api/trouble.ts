// What went wrong, so that a page can say what, why and what to do.

/** A refusal or a failure, with the words of the server. */
export class Trouble extends Error {
  constructor(
    /** The status; 0 where no answer came. */
    readonly status: number,
    /** Why, in the server's words. */
    message: string,
    /** What finds this request in the server's log. */
    readonly request: string | null,
    /** Seconds after which trying again makes sense. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  static unreachable(): Trouble {
    return new Trouble(0, '', null);
  }

  /** Whatever was thrown, as trouble. */
  static of(thrown: unknown): Trouble {
    if (thrown instanceof Trouble) return thrown;
    return new Trouble(-1, thrown instanceof Error ? thrown.message : String(thrown), null);
  }
}

export async function troubleOf(response: Response): Promise<Trouble> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  const retry = response.headers.get('Retry-After');
  return new Trouble(
    response.status,
    messageIn(body) ?? response.statusText,
    response.headers.get('X-Request-Id'),
    retry ? Number(retry) : null,
  );
}

function messageIn(body: unknown): string | null {
  const errors = (body as { errors?: { message?: string }[] } | null)?.errors;
  return errors?.map((error) => error.message ?? '').join('; ') || null;
}
