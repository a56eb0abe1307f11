// Projects as a table: of a cluster or of a workspace.
import type { Project } from '../api/types';
import { readTime } from '../format/time';
import { Status } from '../kit/status';
import { Age } from '../kit/times';
import type { State } from '../kubernetes/state';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { t } from '../words/words';

function state(project: Project): State {
  switch (project.phase) {
    case 'Failed':
      return { tone: 'bad', shape: 'bad', word: t('Failed'), why: project.message };
    case 'Deleting':
      return { tone: 'idle', shape: 'end', word: t('Deleting'), why: project.message };
    case 'Pending':
      return { tone: 'idle', shape: 'wait', word: t('Pending'), why: project.message };
    default:
      return { tone: 'ok', shape: 'ok', word: t('Ready') };
  }
}

/** What a role is called: "project-admin" is an admin of the project. */
export const roleWord = (role: string): string => {
  const name = role.replace(/^(platform|workspace|project)-/, '');
  const words: Record<string, string> = {
    admin: t('admin'),
    operator: t('operator'),
    member: t('member'),
    developer: t('developer'),
    viewer: t('viewer'),
  };
  return words[name] ?? role;
};

export function ProjectTable({ projects, column }: { projects: readonly Project[]; column: 'workspace' | 'cluster' }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">{t('Name')}</th>
          <th scope="col">{t('Status')}</th>
          <th scope="col" className="opt-m">
            {column === 'workspace' ? t('Workspace') : t('Cluster')}
          </th>
          <th scope="col" className="opt-m">
            {t('Your role')}
          </th>
          <th scope="col" className="num">
            {t('Age')}
          </th>
        </tr>
      </thead>
      <tbody>
        {projects.map((project) => {
          const is = state(project);
          return (
            <tr key={`${project.cluster}/${project.name}`}>
              <td>
                <Link className="name" to={paths.overview({ cluster: project.cluster, project: project.name })}>
                  {project.title || project.name}
                </Link>
                {project.title && project.title !== project.name ? <span className="hash"> {project.name}</span> : null}
              </td>
              <td>
                <Status tone={is.tone} shape={is.shape} why={is.why}>
                  {is.word}
                </Status>
              </td>
              <td className="second opt-m">
                {column === 'cluster' ? (
                  project.cluster
                ) : project.workspace ? (
                  <Link to={paths.workspace(project.workspace)}>{project.workspace}</Link>
                ) : (
                  '–'
                )}
              </td>
              <td className="second opt-m">{(project.roles ?? []).map(roleWord).join(', ') || '–'}</td>
              <td className="num second">
                <Age at={readTime(project.createdAt)} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
