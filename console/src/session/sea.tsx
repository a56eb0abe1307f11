// The left half of the sign-in page: a sea chart of an atoll.
import { useQuery } from '@tanstack/react-query';
import { info } from '../api/queries';
import { Mark } from '../kit/icon';

/** Decoration, the name of this Atoll and its version. */
export function Sea() {
  const { data } = useQuery(info());
  return (
    <div className="sea">
      <svg className="chartmap" viewBox="0 0 720 900" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
        <path d="M120 470C100 320 200 190 370 180S650 290 640 460 530 730 370 740 140 620 120 470z" />
        <path d="M60 470C40 280 170 120 370 112S720 260 708 460 570 800 370 808 80 660 60 470z" />
        <path d="M-10 470C-30 230 140 44 370 40S790 230 780 460 620 876 370 884 10 700-10 470z" />
        <path d="M-90 470C-110 180 100-30 370-36S870 200 860 460 680 960 370 964-70 740-90 470z" />
        <path d="M230 460C230 370 290 310 380 312S530 380 530 460 470 610 376 608 230 550 230 460z" />
        <path
          className="land"
          d="M452 214C540 240 590 300 598 352c4 26-26 30-38 8-26-48-66-80-118-98-28-10-18-56 10-48z"
        />
        <path
          className="land"
          d="M606 420c10 90-26 178-96 226-24 16-46-10-26-30 50-48 72-110 70-180 0-32 48-44 52-16z"
        />
        <path
          className="land"
          d="M440 690c-90 34-196 6-262-68-22-26 10-60 36-38 58 52 128 70 206 50 42-10 56 42 20 56z"
        />
        <path className="land" d="M150 540c-14-52-12-110 8-156 12-26 48-14 42 16-10 40-10 76-2 114 6 38-38 60-48 26z" />
        <path className="land" d="M196 336c18-32 44-60 74-78 20-12 40 8 24 28-22 22-42 44-56 70-14 24-54 6-42-20z" />
      </svg>
      <span className="row seamark">
        <Mark className="i" />
        <b className="strong">Atoll</b>
      </span>
      <div>
        <p className="second">{window.location.host}</p>
        <p className="muted">Atoll{data?.version ? ` ${data.version}` : ''}</p>
      </div>
    </div>
  );
}
