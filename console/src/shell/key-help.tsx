// All keys, for who asks with `?`.
import { Dialog } from '../kit/dialog';
import { t } from '../words/words';

export function KeyHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const groups: [string, [string[], string][]][] = [
    [
      t('Everywhere'),
      [
        [['Ctrl', 'K'], t('search and commands')],
        [['g', 'o'], t('go to the overview')],
        [['g', 'p'], t('go to pods')],
        [['g', 'd'], t('go to deployments')],
        [['g', 'l'], t('go to logs')],
        [['g', 'e'], t('go to extensions')],
        [['?'], t('these keys')],
        [['Esc'], t('close what is on top')],
      ],
    ],
    [
      t('In a list'),
      [
        [['/'], t('filter this list')],
        [['j', 'k'], t('next and previous row')],
        [['↵'], t('open')],
      ],
    ],
    [
      t('In logs'),
      [
        [['f'], t('follow')],
        [['w'], t('wrap long lines')],
        [['n'], t('next match')],
      ],
    ],
  ];
  return (
    <Dialog open={open} onClose={onClose} title={t('Keys')}>
      {groups.map(([title, keys]) => (
        <section key={title} className="section">
          <h2 className="muted">{title}</h2>
          <dl className="facts keys">
            {keys.map(([press, what]) => (
              <div key={what} className="contents">
                <dt>
                  {press.map((one) => (
                    <kbd key={one}>{one}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
