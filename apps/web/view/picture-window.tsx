/** One Mermaid picture on the stage: a window of a call's rows, drawn when it comes near the viewport. */
import { memo, type RefObject, useEffect, useRef, useState } from "react";
import { Painter, type Wish } from "../diagram/painter.ts";

/** px a row takes on average, for the space of pictures that are not drawn yet. */
const rowHeightGuess = 34;

/** Whether the element has come near the viewport; once true it stays so. */
function useNear(element: RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (!target || near) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { rootMargin: "800px 0px" },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [element, near]);
  return near;
}

export interface PictureWindowProps extends Wish {
  readonly onDrawn: (element: HTMLElement) => void;
}

function PictureWindowInner({ onDrawn, ...wish }: PictureWindowProps) {
  const holder = useRef<HTMLDivElement>(null);
  const painter = useRef<Painter>(null);
  const near = useNear(holder);
  const [state, setState] = useState<"empty" | "drawn" | "trouble">("empty");
  const heard = useRef(onDrawn);

  useEffect(() => {
    heard.current = onDrawn;
    const target = holder.current;
    if (!near || !target) return;
    painter.current ??= new Painter(target, (drawn) => {
      setState(drawn ? "drawn" : "trouble");
      if (drawn) heard.current(target);
    });
    painter.current.want(wish);
  });
  useEffect(
    () => () => {
      painter.current?.dispose();
      painter.current = null;
    },
    [],
  );

  return (
    <>
      <div
        className={state === "trouble" ? "picture picture-stale" : "picture"}
        ref={holder}
        style={{
          minHeight: state === "empty" ? wish.view.rows.length * rowHeightGuess : undefined,
        }}
      />
      {state === "trouble" && (
        <p className="picture-trouble">
          This picture could not be drawn; the list of steps has it all.
        </p>
      )}
    </>
  );
}

export const PictureWindow = memo(PictureWindowInner);
