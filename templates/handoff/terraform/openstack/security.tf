# One group for each role. Who may connect to which port is in cluster.json, from the one table that also makes the
# hosts' own firewall rules.
locals {
  # A source outside the cluster is one rule for each of its networks.
  outside = {
    user             = var.user_cidrs
    agent            = var.agent_cidrs
    outside_balancer = var.balancer_cidrs
  }
  inner_rules = merge([
    for rule in local.cluster.ports : {
      for from in rule.from : "${rule.to}-${rule.port}-${from}" => merge(rule, { from = from }) if contains(local.cluster.roles, from)
    }
  ]...)
  outer_rules = merge(flatten([
    for rule in local.cluster.ports : [
      for from in rule.from : {
        for cidr in lookup(local.outside, from, []) : "${rule.to}-${rule.port}-${from}-${cidr}" => merge(rule, { cidr = cidr })
      }
    ]
  ])...)
  admin_rules = {
    for pair in setproduct(local.cluster.roles, var.admin_cidrs) : "${pair[0]}-${pair[1]}" => { to = pair[0], cidr = pair[1] }
  }
}

# With the rules that Neutron gives every group: everything may go out.
resource "openstack_networking_secgroup_v2" "role" {
  for_each = toset(local.cluster.roles)

  name        = "${local.cluster.cluster}-${each.key}"
  description = "Cloudify ${each.key} of ${local.cluster.cluster}"
  tags        = var.tags
}

resource "openstack_networking_secgroup_rule_v2" "inner" {
  for_each = local.inner_rules

  security_group_id = openstack_networking_secgroup_v2.role[each.value.to].id
  remote_group_id   = openstack_networking_secgroup_v2.role[each.value.from].id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = each.value.port
  port_range_max    = each.value.port
  description       = each.value.why
}

resource "openstack_networking_secgroup_rule_v2" "outer" {
  for_each = local.outer_rules

  security_group_id = openstack_networking_secgroup_v2.role[each.value.to].id
  remote_ip_prefix  = each.value.cidr
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = each.value.port
  port_range_max    = each.value.port
  description       = each.value.why
}

resource "openstack_networking_secgroup_rule_v2" "admin" {
  for_each = local.admin_rules

  security_group_id = openstack_networking_secgroup_v2.role[each.value.to].id
  remote_ip_prefix  = each.value.cidr
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  description       = "SSH"
}
