/** Roll-outs: bringing everybody who has a template installed to a revision, wave by wave. */
export { NoSuchRevision, RolloutEnded, RolloutNotFound, RolloutRuns } from "../domain/Errors.ts"
export {
  ResumeRequest,
  RolloutId,
  type RolloutList,
  RolloutRequest,
  type RolloutState,
  RolloutStatus,
  RolloutsQuery
} from "../domain/rollout/Rollout.ts"
export {
  listRollouts,
  type RolloutCall,
  resumeRollout,
  startRollout,
  stopRollout,
  type TemplateOfPublisher,
  viewAdoption,
  viewRollout,
  watchRollout
} from "../services/rollout/ManageRollouts.ts"
export { Rollouts } from "../services/rollout/Rollouts.ts"
