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

data "aws_subnet" "hosts" {
  id = var.subnet_id
}

resource "aws_security_group" "role" {
  for_each = toset(local.cluster.roles)

  name        = "${local.cluster.cluster}-${each.key}"
  description = "Cloudify ${each.key} of ${local.cluster.cluster}"
  vpc_id      = data.aws_subnet.hosts.vpc_id
  tags        = merge(local.tags, { Name = "${local.cluster.cluster}-${each.key}" })
}

resource "aws_vpc_security_group_ingress_rule" "inner" {
  for_each = local.inner_rules

  security_group_id            = aws_security_group.role[each.value.to].id
  referenced_security_group_id = aws_security_group.role[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.value.why
}

resource "aws_vpc_security_group_ingress_rule" "outer" {
  for_each = local.outer_rules

  security_group_id = aws_security_group.role[each.value.to].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = each.value.why
}

resource "aws_vpc_security_group_ingress_rule" "admin" {
  for_each = local.admin_rules

  security_group_id = aws_security_group.role[each.value.to].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  description       = "SSH"
}

# Repositories, name servers, clocks, and the machines that Cloudify manages.
resource "aws_vpc_security_group_egress_rule" "all" {
  for_each = aws_security_group.role

  security_group_id = each.value.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
