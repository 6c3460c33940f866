#!/bin/bash
# Trains a model by Trireme under Slurm. Written by `trireme submit`; to be read and edited.
#
# A job has as many lives as the run needs. Before the time limit the run is asked to end: it
# writes a checkpoint and ends with code 85. The job then goes back to the queue, and its next
# life gives the same command again, which goes on from that checkpoint. Code 0: the run is
# complete. Any other code is a failure and is said in the output; nothing is queued again.
# `scancel JOB` ends it for good, with a checkpoint; `sbatch` of this file goes on.

#SBATCH --job-name=run
#SBATCH --nodes=2
#SBATCH --ntasks=10
#SBATCH --ntasks-per-node=5
#SBATCH --time=1-00:00:00
# USR1 to this script (B:) so many seconds before the limit; Slurm may send it up to a minute
# earlier.
#SBATCH --signal=B:USR1@300
# Back to the queue after preemption and after the loss of a node; the output of all lives in
# one file.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --chdir=/home/me/models
#SBATCH --output=/home/me/models/run.slurm.out

run= # process number, once there is one
asked=no
again=no # whether it is to be told again
ask() { # TERM comes from scancel and from preemption
    asked=yes
    again=yes
    [ -z "$run" ] || kill -USR1 "$run" 2>/dev/null
}
trap ask USR1 TERM
echo "== life ${SLURM_RESTART_COUNT:-0} of job $SLURM_JOB_ID on $SLURM_JOB_NODELIST, $(date)"

# Seconds until the run has to end, so that it does where no signal comes.
end=$SLURM_JOB_END_TIME
if [ -z "$end" ]; then # older Slurms do not set it
    end=$(timeout 30 squeue -h -j "$SLURM_JOB_ID" -o %e)
    end=$(date -d "${end:-unknown}" +%s 2>/dev/null)
fi
seconds=
[ -z "$end" ] || seconds=$((end - $(date +%s) - 300))
[ -z "$seconds" ] || [ "$seconds" -gt 0 ] || seconds=1

# Asked already: one step, so that each life gets on.
early=$asked
[ $early = no ] || seconds=1
again=no
trireme train run.yaml --out run --workers 8 --servers 1 \
    ${seconds:+--max-seconds "$seconds"} &
run=$!
[ $asked = $early ] || again=yes
while :; do
    if [ $again = yes ]; then # what comes while it begins may be lost
        again=no
        sleep 1 &
        wait $!
        [ -z "$(jobs -rp)" ] || kill -USR1 "$run" 2>/dev/null
    fi
    wait "$run"
    code=$?
    [ $again = yes ] || break # a signal ends wait, not the run
done
[ $code -ne 138 ] || code=85 # USR1 came before the run could catch it
echo "== life ${SLURM_RESTART_COUNT:-0} ended with code $code, $(date)"

if [ $code -eq 85 ] && [ -n "$SLURM_JOB_ID" ]; then
    case $(timeout 30 squeue -h -j "$SLURM_JOB_ID" -o '%T %r') in
    *TimeLimit) again=yes ;;
    # Slurm itself has ended this life: it requeues the job, unless that is cancelled.
    COMPLETING* | CANCELLED* | PENDING* | REQUEUED*) again=no ;;
    *) again=yes ;;
    esac
    if [ $again = yes ]; then
        timeout 60 scontrol requeue "$SLURM_JOB_ID" ||
            echo "scontrol cannot requeue the job: submit this script again to go on"
    fi
fi
exit $code
