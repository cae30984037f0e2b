// The picture that a brief is to begin from: taken in at once, so that it survives a reload as the text does.
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api/api";
import { Problem, visits } from "../api/client";
import { kept, read, USUAL, type Beginning } from "../lib/beginning";
import { remember, remembered } from "../lib/keep";
import { useStore } from "../lib/store";
import { useLatest } from "./small";

export interface Begins {
  picture: Beginning | null;
  taking: File | null; // on its way to the service
  error: Error | null;
  retry: (() => void) | null; // where another try may help
  visit: number; // what could not be seen before the last login is looked at again
  take: (files: readonly File[]) => void; // the first of them
  follow: (noise: number) => void;
  drop: () => void;
  dismiss: () => void; // the error
}

/** @param key what the picture is for; it is remembered under that name. */
export function useBeginning(key: string): Begins {
  const [picture, setPicture] = useState(() => read(remembered(`picture.${key}`)));
  const [taking, setTaking] = useState<File | null>(null);
  const [refused, setRefused] = useState<{ file: File | null; error: Error } | null>(null);
  const asking = useRef<AbortController | null>(null);
  const visit = useStore(visits);
  const sha256 = picture?.sha256;

  const keep = useCallback(
    (next: Beginning | null) => {
      setPicture(next);
      remember(`picture.${key}`, kept(next));
    },
    [key],
  );

  useEffect(() => {
    if (!sha256) return;
    let wanted = true;
    api.look(sha256).catch((problem: unknown) => {
      if (!wanted || !(problem instanceof Problem) || problem.status !== 404) return;
      keep(null);
      setRefused({ file: null, error: new Error("The picture to begin from is not kept by the service any more. Give it again.") });
    });
    return () => {
      wanted = false;
    };
  }, [sha256, visit, keep]);
  useEffect(() => () => asking.current?.abort(), []);

  const take = useLatest((files: readonly File[]) => {
    const [file] = files;
    if (!file) return;
    asking.current?.abort();
    const { signal } = (asking.current = new AbortController());
    setRefused(null);
    setTaking(file);
    api
      .upload(file, signal)
      .then(
        ({ sha256, width, height }) => signal.aborted || keep({ sha256, width, height, name: file.name, follow: picture?.follow ?? USUAL }),
        (error: Error) => signal.aborted || setRefused({ file, error }),
      )
      .finally(() => signal.aborted || setTaking(null));
  });

  const drop = useCallback(() => {
    asking.current?.abort();
    setTaking(null);
    setRefused(null);
    keep(null);
  }, [keep]);

  const { file = null, error = null } = refused ?? {};
  const judged = error instanceof Problem && error.status >= 400 && error.status < 500 && ![401, 429].includes(error.status); // the picture itself, not the moment
  return {
    picture,
    taking,
    error,
    retry: file && !judged ? () => take([file]) : null,
    visit,
    take,
    follow: useLatest((noise: number) => picture && keep({ ...picture, follow: noise })),
    drop,
    dismiss: useCallback(() => setRefused(null), []),
  };
}
