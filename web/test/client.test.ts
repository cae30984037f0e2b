import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ask, login, Problem, send, tokenWanted } from "../src/api/client";
import { follow } from "../src/api/sse";

const json = (status: number, body: unknown = {}) => new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

/** A service whose answers come when they are let go, in the order of what is asked. */
function service() {
  const asked: { path: string; answer: (response: Response) => void }[] = [];
  vi.stubGlobal("fetch", (path: string) => new Promise<Response>((answer) => asked.push({ path, answer })));
  return asked;
}

/** What has been asked, once so much has. */
const until = (asked: readonly unknown[], count: number) => vi.waitFor(() => expect(asked).toHaveLength(count));

/** Refuses what was asked first, but only once somebody has logged in; it is then asked again. */
async function refusedAfterLogin(asked: ReturnType<typeof service>): Promise<void> {
  const entered = login("cw_ann");
  await until(asked, 2);
  asked[1]!.answer(json(204));
  await entered;
  asked[0]!.answer(json(401, { detail: "the token is not known here" }));
  await until(asked, 3);
}

describe("a service that wants a token", () => {
  beforeEach(() => tokenWanted.set(false));
  afterEach(() => vi.unstubAllGlobals());

  it("is told to want one by a refusal, which is told as it is", async () => {
    const asked = service();
    const refused = ask("GET", "/v1/meta");
    asked[0]!.answer(json(401, { title: "Not known", detail: "every address of the API wants a token", hint: "send it" }));
    await expect(refused).rejects.toMatchObject({ status: 401, title: "Not known", message: "every address of the API wants a token", hint: "send it" });
    expect(tokenWanted.get()).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it("is asked again where the refusal comes after a login that the question came before", async () => {
    const asked = service();
    const early = ask<{ model: string }>("GET", "/v1/meta");
    await refusedAfterLogin(asked);
    asked[2]!.answer(json(200, { model: "mini" }));
    expect(await early).toEqual({ model: "mini" });
    expect(asked.map(({ path }) => path)).toEqual(["/v1/meta", "/v1/login", "/v1/meta"]);
    expect(tokenWanted.get()).toBe(false);
  });

  it("wants one again where it refuses what is asked after the login", async () => {
    const asked = service();
    const early = send("GET", "/v1/meta");
    await refusedAfterLogin(asked);
    asked[2]!.answer(json(401)); // asked with the new token, and refused all the same
    await expect(early).rejects.toBeInstanceOf(Problem);
    expect(asked).toHaveLength(3);
    expect(tokenWanted.get()).toBe(true);
  });

  it("keeps the dialog open where the login itself is refused", async () => {
    const asked = service();
    tokenWanted.set(true);
    const entered = login("cw_wrong");
    asked[0]!.answer(json(401, { detail: "the token is not known here" }));
    await expect(entered).rejects.toMatchObject({ message: "the token is not known here" });
    expect(tokenWanted.get()).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it("is asked for a run's events again in the same way", async () => {
    const asked = service();
    const heard: string[] = [];
    const followed = follow("r", ({ kind }) => heard.push(kind), new AbortController().signal);
    await refusedAfterLogin(asked);
    expect(tokenWanted.get()).toBe(false);
    asked[2]!.answer(new Response("id: 1\nevent: done\ndata: {}\n\n", { headers: { "Content-Type": "text/event-stream" } }));
    await followed;
    expect(heard).toEqual(["done"]);
  });
});
