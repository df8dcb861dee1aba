/* Whether two models move alike, however they look. */
#include <string.h>

#include "envs/envs_internal.h"

#define SAME(field, count) (memcmp(a->field, b->field, (size_t)(count) * sizeof *a->field) == 0)

static bool same_sizes(const mjModel *a, const mjModel *b)
{
    return a->nq == b->nq && a->nv == b->nv && a->nu == b->nu && a->na == b->na && a->nbody == b->nbody &&
           a->njnt == b->njnt && a->nmocap == b->nmocap && a->nsensordata == b->nsensordata;
}

static bool same_bodies(const mjModel *a, const mjModel *b)
{
    return SAME(body_parentid, a->nbody) && SAME(body_mocapid, a->nbody) && SAME(body_pos, 3 * a->nbody) &&
           SAME(body_quat, 4 * a->nbody) && SAME(body_ipos, 3 * a->nbody) && SAME(body_iquat, 4 * a->nbody) &&
           SAME(body_mass, a->nbody) && SAME(body_inertia, 3 * a->nbody);
}

static bool same_joints(const mjModel *a, const mjModel *b)
{
    return SAME(jnt_type, a->njnt) && SAME(jnt_bodyid, a->njnt) && SAME(jnt_pos, 3 * a->njnt) &&
           SAME(jnt_axis, 3 * a->njnt) && SAME(jnt_range, 2 * a->njnt) && SAME(jnt_stiffness, a->njnt) &&
           SAME(qpos0, a->nq) && SAME(qpos_spring, a->nq) && SAME(dof_armature, a->nv) && SAME(dof_damping, a->nv) &&
           SAME(dof_frictionloss, a->nv);
}

bool esp_same_physics(const mjModel *a, const mjModel *b)
{
    return same_sizes(a, b) && same_bodies(a, b) && same_joints(a, b);
}
