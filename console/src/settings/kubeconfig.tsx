// A kubeconfig for kubectl: through Atoll, as oneself, with a token that ends.

import { useQueryClient } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { done, rest } from '../api/rest';
import type { Cluster } from '../api/types';
import { useSend } from '../kit/asking';
import { Button, CopyButton } from '../kit/button';
import { Dialog } from '../kit/dialog';
import { SelectField } from '../kit/field';
import { StatusShape } from '../kit/status';
import { t } from '../words/words';
import { lifetimes } from './lifetimes';

export function Kubeconfig({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const [expiresIn, setExpiresIn] = useState('720h');
  const [config, setConfig] = useState('');
  const { busy, error, send } = useSend();
  const queries = useQueryClient();
  const file = `atoll-${cluster.name}.yaml`;
  const make = async () => {
    const answer = await done(
      rest.POST('/api/v1/clusters/{cluster}/kubeconfigs', {
        params: { path: { cluster: cluster.name } },
        body: { expiresIn },
      }),
    );
    setConfig(answer.kubeconfig);
    void queries.invalidateQueries({ queryKey: ['tokens'] });
  };
  const save = () => {
    const url = URL.createObjectURL(new Blob([config], { type: 'application/yaml' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('Use kubectl with {cluster}', { cluster: cluster.title || cluster.name })}
      footer={
        config ? (
          <>
            <Button look="primary" icon={Download} onClick={save}>
              {t('Download {file}', { file })}
            </Button>
            <CopyButton text={config}>{t('Copy kubeconfig')}</CopyButton>
          </>
        ) : (
          <>
            <Button look="primary" busy={busy} onClick={() => void send(make)}>
              {t('Make kubeconfig')}
            </Button>
            <Button onClick={onClose}>{t('Not now')}</Button>
          </>
        )
      }
    >
      {config ? (
        <>
          <div className="alert warn">
            <StatusShape shape="warn" />
            <strong>{t('It is shown this once')}</strong>
            <span className="b">
              {t('Who has this file is you to Kubernetes. Revoke its token under Settings, API tokens.')}
            </span>
          </div>
          <pre className="command mono">
            export KUBECONFIG=$PWD/{file}
            {'\n'}kubectl get pods -A
          </pre>
        </>
      ) : (
        <>
          <p className="second">
            {t(
              'kubectl then talks to Kubernetes through Atoll, as you: it may do what you may do here, and Kubernetes writes your name in its audit log.',
            )}
          </p>
          <SelectField
            label={t('Ends after')}
            value={expiresIn}
            onChange={setExpiresIn}
            choices={lifetimes()}
            error={error || undefined}
          />
        </>
      )}
    </Dialog>
  );
}
