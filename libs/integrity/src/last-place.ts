import { START, toPosition, type Position } from '@shiplog/events';

/** Where the commit before lies. A number as long as one follows on the other: the text is made when it is asked for. */
export class LastPlace {
  private number = 0;
  private text: Position | undefined = START;

  get position(): Position {
    return (this.text ??= toPosition(this.number));
  }

  /** The place after it. */
  get next(): number {
    return this.number + 1;
  }

  goOn(): void {
    this.number += 1;
    this.text = undefined;
  }

  set(position: Position): void {
    this.number = Number(position);
    this.text = position;
  }
}
